package remediate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Plan is a ladder with every selector resolved to names.
type Plan struct {
	Rungs []PlannedRung `json:"rungs"`
	// Probes must be healthy afterwards.
	Probes []string `json:"probes"`
	// LeftOut says of each rung that has nothing to act on why, if that is news.
	LeftOut []string `json:"leftOut,omitzero"`
	// Unread is why it can't be told what the steps take along, if it can't. Such a plan
	// says what would be done, and no gate lets it begin.
	Unread string `json:"unread,omitzero"`
	// Digest identifies all of it: the SHA-256 of its text, in hex.
	Digest string `json:"digest"`
}

// PlannedRung is a rung with its steps.
type PlannedRung struct {
	Name     string   `json:"name"`
	Steps    []Step   `json:"steps"`
	Autonomy Autonomy `json:"autonomy,omitzero"`
	// Boots is how long after it unhealthy says nothing yet, because a VM boots.
	Boots time.Duration `json:"boots,omitzero"`
	// Probes are those of what it takes along; they must be healthy afterwards, too.
	Probes []string `json:"probes,omitzero"`
	// Digest identifies what this rung would do, and what is asked afterwards: the
	// SHA-256 of its text, in hex. It is what a person approves.
	Digest string `json:"digest"`
}

// Bound reports whether step n may only follow the one before: from the
// power-down of a VM to its start nothing stands still, whoever wishes it.
func (r PlannedRung) Bound(n int) bool {
	down := slices.IndexFunc(r.Steps, func(s Step) bool { return s.Do == VerbPowerDown })
	return down >= 0 && n > down
}

// afterFailure is the step that is done though step n of a rung failed, len if
// there is none: a VM that was powered down is started, on whatever it has.
func (r PlannedRung) afterFailure(n int) int {
	for next := n + 1; next < len(r.Steps); next++ {
		if r.Bound(next) && r.Steps[next].Do == VerbBoot {
			return next
		}
	}
	return len(r.Steps)
}

// lasts is how long the rung's steps may take together.
func (r PlannedRung) lasts() time.Duration {
	var all time.Duration
	for _, s := range r.Steps {
		all += s.Timeout
	}
	return all
}

// Risk is the greatest risk of its steps.
func (r PlannedRung) Risk() Risk {
	worst := Observe
	for _, step := range r.Steps {
		worst = max(worst, step.Risk)
	}
	return worst
}

// Touches is what the rung acts on and takes along, in the order of its steps.
func (r PlannedRung) Touches() []Target {
	var touched []Target
	for _, step := range r.Steps {
		for _, on := range step.Touches() {
			if !slices.Contains(touched, on) {
				touched = append(touched, on)
			}
		}
	}
	return touched
}

// occupies is what nobody else may act on while the rung is climbed: not what is only
// read, however long that takes.
func (r PlannedRung) occupies() []Target {
	var occupied []Target
	for _, step := range r.Steps {
		if step.Do == VerbProve || step.Do == VerbPromote {
			continue
		}
		for _, on := range step.Touches() {
			if !slices.Contains(occupied, on) {
				occupied = append(occupied, on)
			}
		}
	}
	return occupied
}

// Touches is all that any rung of the plan acts on, and takes along.
func (p Plan) Touches() []Target {
	var touched []Target
	for _, rung := range p.Rungs {
		for _, on := range rung.Touches() {
			if !slices.Contains(touched, on) {
				touched = append(touched, on)
			}
		}
	}
	return touched
}

// Considers names the probes that a plan of the playbook is made of, beside those
// of its verification: for a ladder that acts on what failed, those of every unit
// of the site.
func (p Playbook) Considers(inv Inventory, verify []string) []string {
	var names []string
	if p.Chooses(WhatFailed) {
		for _, unit := range inv.Site() {
			names = append(names, inv.UnitProbes(unit)...)
		}
	}
	names = unique(names)
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(verify, name) })
}

// Chooses reports whether a rung of the ladder acts on a choice.
func (p Playbook) Chooses(what Choice) bool {
	return slices.ContainsFunc(p.Ladder, func(r Rung) bool {
		return slices.ContainsFunc(r.Do, func(m Move) bool { return m.On.What == what })
	})
}

// Busy is the unit that uses most of the processors, where it is one to act on.
type Busy struct {
	// Unit is one of the inventory; empty where nothing stands out, or what does is
	// off the inventory: then no other unit is to pay for it.
	Unit string `json:"unit,omitzero"`
	// Why says in words what was seen.
	Why string `json:"why,omitzero"`
}

// Seen is what a plan is made of, beside the playbook: the inventory, the units that
// were seen unhealthy, for an incident about a VM how that stands, and what the deeds
// of its steps take along.
type Seen struct {
	Inventory Inventory `json:"inventory"`
	Failed    []string  `json:"failed,omitzero"`
	Machine   *Machine  `json:"machine,omitzero"`
	// Busiest is asked for where the ladder acts on it.
	Busiest    Busy       `json:"busiest,omitzero"`
	Dependants Dependants `json:"dependants,omitzero"`
	// Unread is why it can't be told what the plan takes along, if it can't.
	Unread string `json:"unread,omitzero"`
}

// MakePlan resolves a playbook's selectors for a target. A rung whose selectors
// choose nothing is left out; a plan without rungs can do nothing. It returns an
// error when a name in the playbook is not in the inventory.
func MakePlan(p Playbook, target Target, seen Seen) (Plan, error) {
	plan := Plan{Unread: seen.Unread}
	for _, rung := range p.Ladder {
		planned := PlannedRung{Name: rung.Name, Autonomy: rung.Autonomy}
		lacks := ""
		for _, move := range rung.Do {
			if _, ok := seen.Inventory.Profiles[move.Profile]; !ok && move.Profile != "" {
				lacks = fmt.Sprintf("%s: the inventory has no profile %q", rung.Name, move.Profile)
				continue
			}
			targets, err := move.resolve(target, seen)
			if err != nil {
				return Plan{}, fmt.Errorf("cannot plan rung %q of %s: %w", rung.Name, p.Name, err)
			}
			if move.On.What == Busiest && len(targets) == 0 {
				lacks = rung.Name + ": " + move.noBusiest(seen)
			}
			for _, on := range targets {
				s := step(move, on, seen)
				switch {
				case move.To == BeforeSwap && !plan.swaps():
					lacks = rung.Name + ": nothing would be exchanged before it"
				case move.To != "" && s.Image == nil:
					lacks = fmt.Sprintf("%s: %s", rung.Name, seen.lacks(move.To))
				}
				planned.Steps = append(planned.Steps, s)
				planned.Boots = max(planned.Boots, bootsAfter(s, seen.Inventory))
			}
		}
		takersFirst(planned.Steps)
		switch {
		case lacks != "":
			plan.LeftOut = append(plan.LeftOut, lacks)
		case len(planned.Steps) > 0:
			plan.Rungs = append(plan.Rungs, planned)
		}
	}
	plan.Probes = VerifyProbes(p, seen.Inventory, target)
	for n := range plan.Rungs {
		plan.Rungs[n].Probes = plan.Rungs[n].alsoAsked(seen.Inventory, plan.Probes)
	}
	plan.seal()
	return plan, nil
}

// swaps reports whether any rung so far exchanges the disks of a VM: only then is
// there a way back.
func (p Plan) swaps() bool {
	return slices.ContainsFunc(p.Rungs, func(r PlannedRung) bool {
		return slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Do == VerbSwap })
	})
}

// step is one move on one target. A oneshot unit is never started by another
// verb: its site said what it is.
func step(move Move, on Target, seen Seen) Step {
	s := Step{Do: move.Do, On: on, Risk: Verbs[move.Do].Risk, Timeout: move.Timeout}
	if unit := seen.Inventory.Units[on.Name]; on.Kind == UnitKind && unit.Oneshot {
		s.Do, s.Risk = VerbOneshot, max(unit.Risk, Verbs[VerbOneshot].Risk)
	}
	if seen.Machine != nil {
		if image, ok := seen.Machine.Images[move.To]; ok {
			s.Image = &image
		}
	}
	if s.Do == VerbLimit || s.Do == VerbUnlimit {
		s.Profile, s.Gives = move.Profile, seen.Inventory.Profiles[move.Profile].gives(on.Name)
	}
	orElse(&s.Timeout, DefaultStepTimeout)
	return s.taking(seen.Dependants)
}

// gives says what a profile gives a unit, and for how long.
func (p ManagedProfile) gives(unit string) string {
	return fmt.Sprintf("%s, for %s", p.Gives[unit], p.For)
}

// lacks says why a source has no image.
func (s Seen) lacks(source Source) string {
	if s.Machine != nil && s.Machine.Lacks[source] != "" {
		return s.Machine.Lacks[source]
	}
	return fmt.Sprintf("there is no %s image", source)
}

// bootsAfter is how long a VM may boot after a step.
func bootsAfter(s Step, inv Inventory) time.Duration {
	if s.Do == VerbBoot || s.Do == VerbReset {
		return inv.VMs[s.On.Name].Boots
	}
	return 0
}

// resolve finds the targets of a move: what its selector chooses, of a profile's move
// only what the profile is for.
func (m Move) resolve(target Target, seen Seen) ([]Target, error) {
	if m.Profile == "" && m.Do != VerbLimit && m.Do != VerbUnlimit {
		return m.On.resolve(target, seen)
	}
	profile, ok := seen.Inventory.Profiles[m.Profile]
	if !ok {
		return nil, fmt.Errorf("profile %q is not in the inventory", m.Profile)
	}
	if m.On.What == ItsProfile {
		return targetsOf(profile.Units), nil
	}
	chosen, err := m.On.resolve(target, seen)
	if m.On.What == Busiest {
		return slices.DeleteFunc(chosen, func(on Target) bool { return !slices.Contains(profile.Units, on.Name) }), err
	}
	for _, on := range chosen {
		if !slices.Contains(profile.Units, on.Name) {
			return nil, fmt.Errorf("profile %q gives %s nothing", m.Profile, on)
		}
	}
	return chosen, err
}

// noBusiest says why a move on the busiest unit has none.
func (m Move) noBusiest(seen Seen) string {
	if m.Profile != "" && len(seen.chooseBusiest()) > 0 {
		return fmt.Sprintf("profile %q gives %s nothing", m.Profile, seen.Busiest.Unit)
	}
	return cmp.Or(seen.Busiest.Why, "no unit stands out")
}

// targetsOf are units as targets.
func targetsOf(units []string) []Target {
	targets := make([]Target, len(units))
	for n, name := range units {
		targets[n] = Unit(name)
	}
	return targets
}

// resolve finds the targets that a selector chooses.
func (s Selector) resolve(target Target, seen Seen) ([]Target, error) {
	switch {
	case s.Unit != "":
		name, ok := seen.Inventory.Find(s.Unit)
		if !ok {
			return nil, fmt.Errorf("unit %q is not in the inventory", s.Unit)
		}
		return []Target{Unit(name)}, nil
	case s.What == Busiest:
		return seen.chooseBusiest(), nil
	case target.Kind == VMKind && slices.Contains(vmChoices, s.What):
		return seen.chooseVM(s.What, target), nil
	}
	names, err := seen.Inventory.choose(s.What, target, seen.Failed)
	return targetsOf(names), err
}

// chooseBusiest is the unit that stands out, as the inventory names it. A oneshot is
// none: starting it again would only add to the load; nor is what is there by its name.
func (s Seen) chooseBusiest() []Target {
	name, ok := s.Inventory.Find(s.Busiest.Unit)
	if u := s.Inventory.Units[name]; !ok || u.Oneshot || u.ByName {
		return nil
	}
	return []Target{Unit(name)}
}

// vmChoices are the choices that mean something for an incident about a VM.
var vmChoices = []Choice{TheTarget, PausedVM, StuckVM}

// chooseVM is the incident's own VM, where it stands as the choice says. How it
// stands must be known for that.
func (s Seen) chooseVM(what Choice, vm Target) []Target {
	m := s.Machine
	if what == TheTarget || m != nil && m.Alive && m.Paused == (what == PausedVM) {
		return []Target{vm}
	}
	return nil
}

// choose names the units of a choice.
func (inv Inventory) choose(what Choice, target Target, failed []string) ([]string, error) {
	switch what {
	case TheTarget:
		if target.Kind == UnitKind {
			return inv.InOrder([]string{target.Name}), nil
		}
		return nil, nil
	case ItsNeeds:
		return inv.NeedsOf(target.Name), nil
	case WhatFailed:
		return inv.InOrder(failed), nil
	case WholeSite:
		return inv.Site(), nil
	case PausedVM, StuckVM, ItsProfile, Busiest:
		return nil, nil
	}
	return nil, fmt.Errorf("cannot choose %q: expected a unit or one of %v", what, Choices)
}

// unitProbe begins the name of a probe of a unit's own state.
const unitProbe = "unit:"

// UnitProbe names the probe of a unit's own state.
func UnitProbe(unit string) string { return unitProbe + unit }

// ProbedUnit is the unit whose state a probe's name asks for, if it does.
func ProbedUnit(probe string) (unit string, ok bool) { return strings.CutPrefix(probe, unitProbe) }

// vmProbe begins the name of a probe of a VM's run state.
const vmProbe = "vm:"

// VMProbe names the probe of a VM's run state.
func VMProbe(vm string) string { return vmProbe + vm }

// ProbedVM is the VM whose run state a probe's name asks for, if it does.
func ProbedVM(probe string) (vm string, ok bool) { return strings.CutPrefix(probe, vmProbe) }

// VMProbes are the probes by which a VM is called healthy: its run state, then
// those that the inventory names.
func (inv Inventory) VMProbes(vm string) []string {
	return append([]string{VMProbe(vm)}, inv.VMs[vm].Healthy...)
}

// VerifyProbes are the probes of a playbook's verification, each once: a choice
// among Verify.Healthy stands for its units' states and the probes by which the
// inventory calls them healthy.
func VerifyProbes(p Playbook, inv Inventory, target Target) []string {
	var probes []string
	for _, name := range p.Verify.Healthy {
		if Choice(name) == ItsProfile {
			probes = append(probes, inv.probesOfUnits(inv.limitedBy(p))...)
			continue
		}
		probes = append(probes, inv.probesOf(name, target)...)
	}
	return unique(probes)
}

// limitedBy are the units of every profile that a playbook's ladder names.
func (inv Inventory) limitedBy(p Playbook) []string {
	var units []string
	for _, rung := range p.Ladder {
		for _, move := range rung.Do {
			units = append(units, inv.Profiles[move.Profile].Units...)
		}
	}
	return unique(units)
}

// probesOf expands one name of Verify.Healthy.
func (inv Inventory) probesOf(name string, target Target) []string {
	if !slices.Contains(Choices, Choice(name)) {
		return []string{name}
	}
	if Choice(name) == TheTarget && target.Kind == VMKind {
		return inv.VMProbes(target.Name)
	}
	units, _ := inv.choose(Choice(name), target, nil)
	return inv.probesOfUnits(units)
}

func (inv Inventory) probesOfUnits(units []string) []string {
	var probes []string
	for _, unit := range units {
		probes = append(probes, inv.UnitProbes(unit)...)
	}
	return probes
}

// UnitProbes are the probes by which a unit is called healthy: its own state,
// then those that the inventory names.
func (inv Inventory) UnitProbes(unit string) []string {
	return append([]string{UnitProbe(unit)}, inv.Units[unit].Healthy...)
}

// FailedUnits are the units that the observations show unhealthy: by their own
// state, or by a probe that the inventory ties to them.
func (inv Inventory) FailedUnits(observations []Observation) []string {
	bad := map[string]bool{}
	for _, o := range observations {
		bad[o.Probe] = bad[o.Probe] || o.Health == Unhealthy
	}
	var failed []string
	for name, unit := range inv.Units {
		if unit.ofSite() && slices.ContainsFunc(inv.UnitProbes(name), func(p string) bool { return bad[p] }) {
			failed = append(failed, name)
		}
	}
	return inv.InOrder(failed)
}

// unique keeps the first of each.
func unique[T comparable](names []T) []T {
	var kept []T
	for _, name := range names {
		if !slices.Contains(kept, name) {
			kept = append(kept, name)
		}
	}
	return kept
}

// seal writes the digests: of each rung with what is asked after it, and of all.
func (p *Plan) seal() {
	all := sha256.New()
	for n := range p.Rungs {
		rung := &p.Rungs[n]
		text := rung.text() + fmt.Sprintf("verify %q\n", p.Probes)
		sum := sha256.Sum256([]byte(text))
		rung.Digest = hex.EncodeToString(sum[:])
		fmt.Fprint(all, text)
	}
	if p.Unread != "" {
		fmt.Fprintln(all, "unread")
	}
	p.Digest = hex.EncodeToString(all.Sum(nil))
}

// text says all that a rung would do: one line a step, in order.
func (r PlannedRung) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rung %q %s %s\n", r.Name, r.Autonomy, r.Boots)
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "  %s %s %s %s\n", s.Do, s.On, s.Risk, s.Timeout.Round(time.Millisecond))
		if s.Profile != "" {
			fmt.Fprintf(&b, "    profile %q gives %q\n", s.Profile, s.Gives)
		}
		if i := s.Image; i != nil {
			fmt.Fprintf(&b, "    %q %s %q %s %d from %q keep %q\n", i.Name, i.Digest, i.File, i.Grade, i.Taken.Unix(), i.From, i.Keep)
		}
		for _, taken := range s.Takes {
			fmt.Fprintf(&b, "    takes along %s\n", taken)
		}
	}
	if len(r.Probes) > 0 {
		fmt.Fprintf(&b, "  and %q\n", r.Probes)
	}
	return b.String()
}
