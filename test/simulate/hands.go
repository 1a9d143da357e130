package simulate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/engine"
)

// hands are what one process has of the host: they are cut off when it dies.
type hands struct{ p *process }

var (
	_ engine.World     = hands{}
	_ remediate.Action = deed{}
)

// takes lets the time of one question pass, or much more where it hangs; it ends
// the goroutine of a process that died meanwhile.
func (s hands) takes(what string) (kind string) {
	h, d := s.p.w.host, s.p.w.dice
	s.p.lives()
	if kind = h.bad(what); kind == "hangs" {
		time.Sleep(d.between(what, 10*time.Second, time.Minute))
	} else {
		time.Sleep(d.between(what, 100*time.Microsecond, 20*time.Millisecond))
	}
	s.p.lives()
	return kind
}

// Probe says how it is, unless it lies.
func (s hands) Probe(_ context.Context, name string) remediate.Observation {
	kind := s.takes(name)
	h := s.p.w.host
	h.mu.Lock()
	bad := h.unhealthy(name)
	h.mu.Unlock()
	health := remediate.Healthy
	switch {
	case kind == "unknown":
		health = remediate.Unknown
	case bad != (kind == "lies"):
		health = remediate.Unhealthy
	}
	s.p.w.observer.answers(s.p, name, health)
	return remediate.Observation{Probe: name, Health: health, Detail: "it is " + health.String()}
}

// Situation says how a target stands.
func (s hands) Situation(_ context.Context, on remediate.Target) remediate.Situation {
	if kind := s.takes("situation:" + on.Name); kind == "unknown" || kind == "lies" {
		return remediate.Situation{Detail: "no bus"}
	}
	h := s.p.w.host
	h.mu.Lock()
	defer h.mu.Unlock()
	if vm := h.vms[on.Name]; on.Kind == remediate.VMKind && vm != nil {
		return remediate.Situation{
			Known: true, Exists: true, Active: vm.alive, State: "as it is", StartsLeft: -1,
			Invocation: strconv.Itoa(vm.starts), GuestActs: time.Now().Before(vm.guestActs),
		}
	}
	u := h.units[on.Name]
	if u == nil || u.ghost {
		return remediate.Situation{Known: true, State: "not-found"}
	}
	return remediate.Situation{
		Known: true, Exists: true, Active: !u.stopped && !u.broken, State: "as it is", Settling: time.Now().Before(u.settling),
		Invocation: u.invocation(on.Name), Restarts: u.kept, StoppedByJob: u.stopped, StartsLeft: -1,
	}
}

func (u *unit) invocation(name string) string { return fmt.Sprintf("%s#%d", name, u.starts) }

// Dependants are what hangs on a unit and goes along with its restart just now.
func (s hands) Dependants(_ context.Context, what remediate.Deed) ([]string, error) {
	kind, d := s.takes("situation:"+what.Unit), s.p.w.dice
	if kind == "unknown" || kind == "lies" || d.chance("dependants", 0.02) {
		return nil, errors.New("no bus")
	}
	if what.Do != remediate.VerbRestart {
		return nil, nil
	}
	h := s.p.w.host
	h.mu.Lock()
	defer h.mu.Unlock()
	along := h.hangOn(what.Unit)
	if d.chance("dependants", 0.3) && what.Unit == "db.service" && !slices.Contains(along, "app.service") {
		along = append(along, "app.service") // it is just coming up
	}
	return along, nil
}

// Machine says how a VM stands and what it could go back to.
func (s hands) Machine(_ context.Context, name string, _ *remediate.Asked) remediate.Machine {
	s.takes("machine:" + name)
	h := s.p.w.host
	h.mu.Lock()
	defer h.mu.Unlock()
	vm := h.vms[name]
	m := remediate.Machine{Alive: vm.alive, Paused: vm.paused, State: "as it is", Lacks: map[remediate.Source]string{}}
	if vm.good == "" {
		m.Lacks[remediate.LastKnownGood] = "nothing was promoted yet"
		return m
	}
	m.Images = map[remediate.Source]remediate.Image{remediate.LastKnownGood: {
		Name: vm.good, Digest: "digest of " + vm.good, Grade: vm.grade, From: map[string]string{"system": vm.disk},
	}}
	return m
}

// Busiest is nobody: no playbook of this world asks.
func (s hands) Busiest(context.Context) remediate.Busy { return remediate.Busy{} }

// See shows a text, now and then a long one.
func (s hands) See(_ context.Context, look remediate.Look, _ remediate.Target) remediate.Evidence {
	s.takes("see")
	text := "what was seen\n"
	if s.p.w.dice.chance("see", 0.05) {
		text = strings.Repeat(text, 500)
	}
	return remediate.Evidence{Look: look, Text: text}
}

// deed is every action there is.
type deed struct{ hands }

// actions are all of them.
func actions(p *process) map[remediate.Verb]remediate.Action {
	all := map[remediate.Verb]remediate.Action{}
	for verb := range remediate.Verbs {
		all[verb] = deed{hands{p}}
	}
	return all
}

// factSerial names this one reading of a witness, so that an act can be told from
// every other.
const factSerial = "serial"

// Witness reads what would tell whether the step happened.
func (a deed) Witness(_ context.Context, s remediate.Step) (remediate.Witness, error) {
	if a.takes("witness:"+s.On.Name) != "" || a.p.w.dice.chance("witness", 0.003) {
		return nil, errors.New("no bus")
	}
	h := a.p.w.host
	h.mu.Lock()
	defer h.mu.Unlock()
	h.serial++
	return remediate.Witness{factSerial: strconv.Itoa(h.serial), "before": h.stands(s)}, nil
}

// stands is what changes when the step happens.
func (h *host) stands(s remediate.Step) string {
	switch s.Do {
	case remediate.VerbResetFailed, remediate.VerbReload, remediate.VerbCheckpoint:
		return fmt.Sprint("done ", h.times[s.String()])
	}
	if vm := h.vms[s.On.Name]; s.On.Kind == remediate.VMKind && vm != nil {
		switch s.Do {
		case remediate.VerbPowerDown:
			return fmt.Sprint("alive ", vm.alive)
		case remediate.VerbSwap:
			return "disk " + vm.disk
		case remediate.VerbReset:
			return fmt.Sprint("resets ", vm.resets)
		}
		return fmt.Sprint("starts ", vm.starts, " paused ", vm.paused)
	}
	if u := h.units[s.On.Name]; u != nil {
		return fmt.Sprint("starts ", u.starts, " stopped ", u.stopped)
	}
	return "nothing"
}

// manner is how an act goes.
type manner struct {
	// happens is whether the world changes.
	happens bool
	result  remediate.Result
	err     error
	hangs   bool
}

func (a deed) manner() manner {
	switch n := a.p.w.dice.number("manner", 100); {
	case n < 72:
		return manner{happens: true, result: remediate.Done}
	case n < 76:
		return manner{happens: true, result: remediate.Failed}
	case n < 80:
		return manner{result: remediate.Failed}
	case n < 83:
		return manner{err: errors.New("refused before anything was done")}
	case n < 86:
		return manner{happens: true, err: remediate.ErrInDoubt}
	case n < 89:
		return manner{err: remediate.ErrInDoubt}
	case n < 92:
		return manner{result: remediate.Done} // it lies
	case n < 95:
		return manner{happens: true, hangs: true, result: remediate.Done}
	case n < 97:
		return manner{hangs: true, result: remediate.Done}
	}
	return manner{result: remediate.Canceled}
}

// Do acts. The world changes at the beginning, and it takes its time to say so.
func (a deed) Do(_ context.Context, s remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	a.p.lives()
	w := a.p.w
	done := w.observer.acts(a.p, s, before)
	defer done()
	m, takes := a.manner(), w.dice.between("takes", 50*time.Millisecond, 25*time.Second)
	if m.happens {
		w.host.change(func() { w.host.happens(s) })
		w.observer.happened(s, before)
		w.host.change(func() { w.host.hushes(s.On) })
	}
	if w.strikes() {
		w.count.add(w.count.crashes, "an act")
		a.p.dies()
	}
	if m.hangs {
		takes += s.Timeout
	}
	time.Sleep(takes)
	a.p.lives()
	if m.err != nil {
		return remediate.Receipt{}, m.err
	}
	return remediate.Receipt{Result: m.result, Detail: "as the dice fell"}, nil
}

// hushes leaves what was acted on without an answer, now and then, for longer than
// anybody waits for one.
func (h *host) hushes(on remediate.Target) {
	if d := h.w.dice; d.chance("hushes", 0.02) {
		h.faults[on.String()] = fault{"unknown", time.Now().Add(d.about("hushes", 20*time.Minute))}
	}
}

// happens is what a step does to the world.
func (h *host) happens(s remediate.Step) {
	h.times[s.String()]++
	if vm := h.vms[s.On.Name]; s.On.Kind == remediate.VMKind && vm != nil {
		vm.happens(s, h.w.dice)
		return
	}
	u := h.units[s.On.Name]
	if u == nil {
		return
	}
	switch s.Do {
	case remediate.VerbStop:
		u.stopped = true
	case remediate.VerbRestart, remediate.VerbStart, remediate.VerbOneshot:
		h.restarts(s.On.Name, false)
	}
}

func (m *machine) happens(s remediate.Step, d *dice) {
	switch s.Do {
	case remediate.VerbCont:
		m.paused = false
	case remediate.VerbReset:
		m.stuck = m.stuck && d.chance("reset", 0.3)
		m.resets++
	case remediate.VerbPowerDown:
		m.alive, m.paused, m.held = false, false, true
	case remediate.VerbSwap:
		m.disk = s.Image.Name
	case remediate.VerbBoot:
		m.alive, m.stuck, m.held = true, false, false
		m.starts++
	}
}

// Happened compares the witness with the world.
func (a deed) Happened(_ context.Context, s remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	if a.takes("happened:"+s.On.Name) != "" || a.p.w.dice.chance("happened", 0.1) {
		return remediate.Receipt{}, remediate.ErrInDoubt
	}
	h := a.p.w.host
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stands(s) == before["before"] && !h.already(s) {
		return remediate.Receipt{}, remediate.ErrNotDone
	}
	return remediate.Receipt{Result: remediate.Done, Detail: "the world says so"}, nil
}

// already reports whether things are as a step of a rollback would make them.
func (h *host) already(s remediate.Step) bool {
	vm := h.vms[s.On.Name]
	if s.On.Kind != remediate.VMKind || vm == nil {
		return false
	}
	return s.Do == remediate.VerbPowerDown && !vm.alive || s.Do == remediate.VerbSwap && s.Image != nil && vm.disk == s.Image.Name
}

// Silences are those that cover an alert.
func (s hands) Silences(_ context.Context, a alerts.Alert) []remediate.Silence {
	s.p.lives()
	return s.p.w.silences(a)
}
