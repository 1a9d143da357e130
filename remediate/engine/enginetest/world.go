package enginetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/engine"
)

var (
	_ engine.World     = (*World)(nil)
	_ remediate.Action = Restart{}
)

// World is a host of units and probes.
type World struct {
	mu       sync.Mutex
	units    map[string]*Unit
	probes   map[string]remediate.Health
	hangs    map[string]chan struct{}
	evidence string
	silences []remediate.Silence
	vm       Machine
	busiest  remediate.Busy
	done     []string
}

// Unit is how a unit stands, and what a restart of it does.
type Unit struct {
	// Health is what the probe of its state says.
	Health remediate.Health
	// Starts counts how often it was started anew; its InvocationID follows.
	Starts int
	// Kept is how many of those were its own keeper's, since somebody started it.
	Kept int
	// Settling and Stopped are as in [remediate.Situation].
	Settling, Stopped bool

	// Takes is how long a restart takes, Result how it ends ([remediate.Done] if
	// empty), and Err what it answers instead of a receipt.
	Takes  time.Duration
	Result remediate.Result
	Err    error
	// Along are the units that a restart takes along, AlongErr why that can't be read.
	Along    []string
	AlongErr error
	// Mends are the probes that a restart makes healthy.
	Mends []string
}

// NewWorld is a host on which every unit runs well.
func NewWorld(units ...string) *World {
	w := &World{units: map[string]*Unit{}, probes: map[string]remediate.Health{}, hangs: map[string]chan struct{}{}}
	for _, name := range units {
		w.units[name] = &Unit{Health: remediate.Healthy, Starts: 1}
	}
	return w
}

// Add adds a unit that runs well.
func (w *World) Add(unit string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.units[unit] = &Unit{Health: remediate.Healthy, Starts: 1}
}

// Change changes a unit.
func (w *World) Change(name string, f func(*Unit)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w.units[name])
}

// Says makes a probe answer so from now on.
func (w *World) Says(probe string, h remediate.Health) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.probes[probe] = h
}

// Burns makes this the busiest unit.
func (w *World) Burns(b remediate.Busy) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busiest = b
}

// Busiest is what Burns said.
func (w *World) Busiest(context.Context) remediate.Busy {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busiest
}

// Shows is the text that each look sees as evidence.
func (w *World) Shows(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.evidence = text
}

// Silenced makes these the silences that cover every alert.
func (w *World) Silenced(by ...remediate.Silence) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silences = by
}

// Silences are what the test says.
func (w *World) Silences(context.Context, alerts.Alert) []remediate.Silence {
	w.pass("silences")
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]remediate.Silence(nil), w.silences...)
}

// Hang makes whatever is asked of that (a probe, a unit, "see" or "do UNIT") hang
// beyond its context, until the function that it returns is called.
func (w *World) Hang(what string) (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	gate := make(chan struct{})
	w.hangs[what] = gate
	return sync.OnceFunc(func() {
		w.mu.Lock()
		delete(w.hangs, what)
		w.mu.Unlock()
		close(gate)
	})
}

func (w *World) pass(what string) {
	w.mu.Lock()
	gate := w.hangs[what]
	w.mu.Unlock()
	if gate != nil {
		<-gate
	}
}

// Done is every restart that happened, in order.
func (w *World) Done() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.done...)
}

// Situation reads a unit.
func (w *World) Situation(_ context.Context, on remediate.Target) remediate.Situation {
	w.pass(on.Name)
	w.mu.Lock()
	defer w.mu.Unlock()
	if on.Kind == remediate.VMKind {
		return remediate.Situation{Known: true, Exists: true, Active: w.vm.Alive, State: "as the test says", Invocation: w.vm.Disk, StartsLeft: -1}
	}
	u := w.units[on.Name]
	if u == nil {
		return remediate.Situation{Known: true, State: "not-found"}
	}
	return remediate.Situation{
		Known: true, Exists: true, Active: !u.Stopped, State: "as the test says", Settling: u.Settling,
		Invocation: u.invocation(), Restarts: u.Kept, StoppedByJob: u.Stopped, StartsLeft: -1,
	}
}

func (u *Unit) invocation() string { return fmt.Sprintf("i%d", u.Starts) }

// Probe answers for a probe or for a unit's state. What nobody spoke of is healthy.
func (w *World) Probe(_ context.Context, name string) remediate.Observation {
	w.pass(name)
	w.mu.Lock()
	defer w.mu.Unlock()
	o := remediate.Observation{Probe: name, Health: remediate.Healthy}
	if h, ok := w.probes[name]; ok {
		o.Health = h
	} else if unit, ok := remediate.ProbedUnit(name); ok && w.units[unit] != nil {
		o.Health = w.units[unit].Health
	}
	o.Detail = "it is " + o.Health.String()
	return o
}

// Dependants are those that a restart takes along.
func (w *World) Dependants(_ context.Context, deed remediate.Deed) ([]string, error) {
	w.pass("dependants")
	w.mu.Lock()
	defer w.mu.Unlock()
	if u := w.units[deed.Unit]; u != nil && deed.Do == remediate.VerbRestart {
		return append([]string(nil), u.Along...), u.AlongErr
	}
	return nil, nil
}

// See shows the one text there is.
func (w *World) See(_ context.Context, look remediate.Look, _ remediate.Target) remediate.Evidence {
	w.pass("see")
	w.mu.Lock()
	defer w.mu.Unlock()
	return remediate.Evidence{Look: look, Text: w.evidence}
}

// Restart is the action restart in a world.
type Restart struct{ World *World }

// Witness is the InvocationID.
func (r Restart) Witness(_ context.Context, s remediate.Step) (remediate.Witness, error) {
	r.World.mu.Lock()
	defer r.World.mu.Unlock()
	return remediate.Witness{remediate.FactInvocation: r.World.units[s.On.Name].invocation()}, nil
}

// Do restarts the unit at once, then takes its time. When ctx ends first it answers
// as systemd's client does: timed out at a deadline, in doubt otherwise.
func (r Restart) Do(ctx context.Context, s remediate.Step, _ remediate.Witness) (remediate.Receipt, error) {
	r.World.mu.Lock()
	u := *r.World.units[s.On.Name]
	r.World.mu.Unlock()
	if u.Err != nil {
		return remediate.Receipt{}, u.Err
	}
	if u.Result == "" || u.Result == remediate.Done {
		r.World.restart(s)
	}
	r.World.pass("do " + s.On.Name)
	select {
	case <-time.After(u.Takes):
	case <-ctx.Done():
		if ctx.Err() == context.DeadlineExceeded {
			return remediate.Receipt{Result: remediate.TimedOut}, nil
		}
		return remediate.Receipt{}, remediate.ErrInDoubt
	}
	if u.Result != "" {
		return remediate.Receipt{Result: u.Result}, nil
	}
	return remediate.Receipt{Result: remediate.Done}, nil
}

func (w *World) restart(s remediate.Step) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.units[s.On.Name]
	u.Starts++
	for _, name := range u.Along {
		if along := w.units[name]; along != nil {
			along.Starts++
		}
	}
	w.done = append(w.done, s.String())
	for _, probe := range u.Mends {
		w.probes[probe] = remediate.Healthy
	}
}

// Happened compares InvocationIDs.
func (r Restart) Happened(_ context.Context, s remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	r.World.pass("happened")
	r.World.mu.Lock()
	defer r.World.mu.Unlock()
	if r.World.units[s.On.Name].invocation() == before[remediate.FactInvocation] {
		return remediate.Receipt{}, remediate.ErrNotDone
	}
	return remediate.Receipt{Result: remediate.Done}, nil
}
