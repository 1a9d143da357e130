package remediate

import (
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
	// Digest identifies what would be done: the SHA-256 of its text, in hex.
	// It is what a person approves.
	Digest string `json:"digest"`
}

// PlannedRung is a rung with its steps.
type PlannedRung struct {
	Name     string   `json:"name"`
	Steps    []Step   `json:"steps"`
	Autonomy Autonomy `json:"autonomy,omitzero"`
}

// Risk is the greatest risk of its steps.
func (r PlannedRung) Risk() Risk {
	worst := Observe
	for _, step := range r.Steps {
		worst = max(worst, step.Risk)
	}
	return worst
}

// Touches is what the rung acts on, in the order of its steps.
func (r PlannedRung) Touches() []Target {
	var touched []Target
	for _, step := range r.Steps {
		if !slices.Contains(touched, step.On) {
			touched = append(touched, step.On)
		}
	}
	return touched
}

// Touches is all that any rung of the plan acts on.
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
	for _, rung := range p.Ladder {
		for _, move := range rung.Do {
			if move.On.What != WhatFailed {
				continue
			}
			for _, unit := range inv.Site() {
				names = append(names, inv.UnitProbes(unit)...)
			}
		}
	}
	names = unique(names)
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(verify, name) })
}

// MakePlan resolves a playbook's selectors for a target, with failed the units
// that were seen unhealthy. A rung whose selectors choose nothing is left out; a
// plan without rungs can do nothing. It returns an error when a name in the
// playbook is not in the inventory.
func MakePlan(p Playbook, inv Inventory, target Target, failed []string) (Plan, error) {
	var plan Plan
	for _, rung := range p.Ladder {
		planned := PlannedRung{Name: rung.Name, Autonomy: rung.Autonomy}
		for _, move := range rung.Do {
			units, err := move.On.resolve(inv, target, failed)
			if err != nil {
				return Plan{}, fmt.Errorf("cannot plan rung %q of %s: %w", rung.Name, p.Name, err)
			}
			for _, name := range units {
				planned.Steps = append(planned.Steps, step(move, name, inv.Units[name]))
			}
		}
		if len(planned.Steps) > 0 {
			plan.Rungs = append(plan.Rungs, planned)
		}
	}
	plan.Probes = VerifyProbes(p, inv, target)
	plan.Digest = plan.digest()
	return plan, nil
}

// step is one move on one unit. A oneshot unit is never started by another verb:
// its site said what it is.
func step(move Move, name string, unit ManagedUnit) Step {
	s := Step{Do: move.Do, On: Unit(name), Risk: Verbs[move.Do].Risk, Timeout: move.Timeout}
	if unit.Oneshot {
		s.Do, s.Risk = VerbOneshot, max(unit.Risk, Verbs[VerbOneshot].Risk)
	}
	orElse(&s.Timeout, DefaultStepTimeout)
	return s
}

// resolve names the units that a selector chooses.
func (s Selector) resolve(inv Inventory, target Target, failed []string) ([]string, error) {
	if s.Unit != "" {
		name, ok := inv.Find(s.Unit)
		if !ok {
			return nil, fmt.Errorf("unit %q is not in the inventory", s.Unit)
		}
		return []string{name}, nil
	}
	return inv.choose(s.What, target, failed)
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
	}
	return nil, fmt.Errorf("cannot choose %q: expected a unit or one of %v", what, Choices)
}

// unitProbe begins the name of a probe of a unit's own state.
const unitProbe = "unit:"

// UnitProbe names the probe of a unit's own state.
func UnitProbe(unit string) string { return unitProbe + unit }

// ProbedUnit is the unit whose state a probe's name asks for, if it does.
func ProbedUnit(probe string) (unit string, ok bool) { return strings.CutPrefix(probe, unitProbe) }

// VerifyProbes are the probes of a playbook's verification, each once: a choice
// among Verify.Healthy stands for its units' states and the probes by which the
// inventory calls them healthy.
func VerifyProbes(p Playbook, inv Inventory, target Target) []string {
	var probes []string
	for _, name := range p.Verify.Healthy {
		probes = append(probes, inv.probesOf(name, target)...)
	}
	return unique(probes)
}

// probesOf expands one name of Verify.Healthy.
func (inv Inventory) probesOf(name string, target Target) []string {
	if !slices.Contains(Choices, Choice(name)) {
		return []string{name}
	}
	units, _ := inv.choose(Choice(name), target, nil)
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
		if !unit.Oneshot && slices.ContainsFunc(inv.UnitProbes(name), func(p string) bool { return bad[p] }) {
			failed = append(failed, name)
		}
	}
	return inv.InOrder(failed)
}

// unique keeps the first of each.
func unique(names []string) []string {
	var kept []string
	for _, name := range names {
		if !slices.Contains(kept, name) {
			kept = append(kept, name)
		}
	}
	return kept
}

// digest is the SHA-256 of the plan's text: one line a step, in order.
func (p Plan) digest() string {
	hash := sha256.New()
	for _, rung := range p.Rungs {
		fmt.Fprintf(hash, "rung %q %s\n", rung.Name, rung.Autonomy)
		for _, s := range rung.Steps {
			fmt.Fprintf(hash, "  %s %s %s %s\n", s.Do, s.On, s.Risk, s.Timeout.Round(time.Millisecond))
		}
	}
	fmt.Fprintf(hash, "verify %q\n", p.Probes)
	return hex.EncodeToString(hash.Sum(nil))
}
