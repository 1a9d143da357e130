package rehearsal

import (
	"context"
	"errors"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/engine"
)

// World answers for everything outside, at a time since the beginning. Each answer
// is of that moment: whoever is asked again later may answer otherwise.
type World interface {
	// Probe is the answer of a probe, or of unit:NAME or vm:NAME.
	Probe(name string, at time.Duration) Answer
	// Situation is how a target stands, for the gates.
	Situation(on remediate.Target, at time.Duration) remediate.Situation
	// Machine is how a VM stands, for the plan.
	Machine(vm string, asked *remediate.Asked, at time.Duration) remediate.Machine
	// Do is what comes of a step that begins then.
	Do(step remediate.Step, at time.Duration) Deed
}

// Silencing is what a [World] may have beside: the silences of Alertmanager that
// cover an alert. Without it there are none.
type Silencing interface {
	Silences(a alerts.Alert, at time.Duration) []remediate.Silence
}

// Burning is what a [World] may have beside: the busiest unit. Without it there is
// none.
type Burning interface {
	Busiest(at time.Duration) remediate.Busy
}

// Hanging is what a [World] may have beside: the units that a deed takes along.
// Without it nothing hangs together.
type Hanging interface {
	Dependants(deed remediate.Deed, at time.Duration) ([]string, error)
}

// Answer is what a probe says, and how long it takes to say so.
type Answer struct {
	Health remediate.Health
	Detail string
	// Down is as in [remediate.Observation].
	Down  bool
	Takes time.Duration
}

// Deed is what comes of a step.
type Deed struct {
	// Result is how it ends; [remediate.Done] if empty. Detail says more.
	Result remediate.Result
	Detail string
	// Takes is how long it takes. A step whose own time is shorter has timed out
	// by then, and what comes of it comes all the same.
	Takes time.Duration
	// NotDone is why nothing was done; InDoubt whether nobody can tell.
	NotDone string
	InDoubt bool
	// Then is called when it is done, to change the world; nil changes nothing.
	Then func(at time.Duration)
}

// hands are how the engine reaches a world.
type hands struct {
	world World
	clock *clock
}

var (
	_ engine.World     = hands{}
	_ remediate.Action = hands{}
)

// Probe takes its time and answers.
func (h hands) Probe(_ context.Context, name string) remediate.Observation {
	a := h.world.Probe(name, h.clock.now)
	h.clock.Sleep(a.Takes)
	return remediate.Observation{Probe: name, Health: a.Health, Detail: a.Detail, Down: a.Down, Took: a.Takes}
}

// Situation says how a target stands.
func (h hands) Situation(_ context.Context, on remediate.Target) remediate.Situation {
	return h.world.Situation(on, h.clock.now)
}

// Machine says how a VM stands.
func (h hands) Machine(_ context.Context, vm string, asked *remediate.Asked) remediate.Machine {
	return h.world.Machine(vm, asked, h.clock.now)
}

// Busiest is whom the world knows of.
func (h hands) Busiest(context.Context) remediate.Busy {
	if b, ok := h.world.(Burning); ok {
		return b.Busiest(h.clock.now)
	}
	return remediate.Busy{}
}

// Dependants are those that the world knows of.
func (h hands) Dependants(_ context.Context, deed remediate.Deed) ([]string, error) {
	if w, ok := h.world.(Hanging); ok {
		return w.Dependants(deed, h.clock.now)
	}
	return nil, nil
}

// See has nothing to show: what is decided never rests on evidence.
func (h hands) See(_ context.Context, look remediate.Look, _ remediate.Target) remediate.Evidence {
	return remediate.Evidence{Look: look}
}

// Silences are those that the world knows of.
func (h hands) Silences(_ context.Context, a alerts.Alert) []remediate.Silence {
	if s, ok := h.world.(Silencing); ok {
		return s.Silences(a, h.clock.now)
	}
	return nil
}

// actions are all verbs there are, done by the world.
func (h hands) actions() map[remediate.Verb]remediate.Action {
	all := map[remediate.Verb]remediate.Action{}
	for verb := range remediate.Verbs {
		all[verb] = h
	}
	return all
}

// Witness is of no use here: a rehearsal does not crash.
func (h hands) Witness(context.Context, remediate.Step) (remediate.Witness, error) {
	return remediate.Witness{}, nil
}

// Do lets the world do it, no longer than its time.
func (h hands) Do(_ context.Context, step remediate.Step, _ remediate.Witness) (remediate.Receipt, error) {
	deed := h.world.Do(step, h.clock.now)
	then := deed.Then
	if then == nil || deed.NotDone != "" {
		then = func(time.Duration) {}
	}
	if deed.Takes > step.Timeout {
		h.clock.After(deed.Takes, func() { then(h.clock.now) })
	}
	h.clock.Sleep(min(deed.Takes, step.Timeout))
	if deed.Takes <= step.Timeout {
		then(h.clock.now)
	}
	switch {
	case deed.NotDone != "":
		return remediate.Receipt{}, errors.New(deed.NotDone)
	case deed.InDoubt:
		return remediate.Receipt{}, remediate.ErrInDoubt
	case deed.Takes > step.Timeout:
		return remediate.Receipt{Result: remediate.TimedOut, Detail: deed.Detail}, nil
	case deed.Result == "":
		deed.Result = remediate.Done
	}
	return remediate.Receipt{Result: deed.Result, Detail: deed.Detail}, nil
}

// Happened is never asked: a rehearsal does not crash.
func (h hands) Happened(context.Context, remediate.Step, remediate.Witness) (remediate.Receipt, error) {
	return remediate.Receipt{}, remediate.ErrInDoubt
}
