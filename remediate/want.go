package remediate

import (
	"slices"
	"time"
)

// escalatedEvery is how often an incident that people have is probed.
const escalatedEvery = time.Minute

// want is what the incident wants, read off its state, so that a restart finds
// the same without remembering.
func (d *decision) want() Effect {
	i, now := &d.incident, d.now
	switch {
	case !i.State.Live():
		return Effect{WantNothing, now}
	case d.leave && !slices.ContainsFunc(d.events, Event.moves):
		return Effect{}
	case i.Intent != nil && d.has(StepStarted):
		return Effect{WantAct, now}
	case d.next != nil:
		return d.notLater(*d.next)
	case i.Intent != nil:
		return Effect{WantReconcile, now}
	}
	return d.notLater(i.wants(now))
}

// wants is what a live incident without an intent wants in its state. An act is
// never wanted without a look before it: only the reaction to that look asks the
// gates.
func (i *Incident) wants(now Instant) Effect {
	switch i.State {
	case Open:
		return Effect{WantLook, now}
	case Waiting:
		return i.waits(now)
	case Held:
		return Effect{WantRest, i.Since.Add(ApprovalLasts)}
	case Acting:
		if !i.Gathered && len(i.Playbook.Look) > 0 {
			return Effect{WantGather, now}
		}
		return Effect{WantPrepare, now}
	case Verifying:
		return Effect{WantProbe, later(now.Add(i.probeIn(now)), i.Watch.Started.Add(i.Playbook.Verify.Settle))}
	}
	return Effect{WantProbe, now.Add(escalatedEvery)}
}

// waits is what an incident wants that waits: the end of another, a time, or
// another answer of the probes, which are asked all the while.
func (i *Incident) waits(now Instant) Effect {
	switch {
	case i.Wait.On != "":
		return Effect{WantRest, i.Due(now)}
	case i.Wait.asks():
		return Effect{WantLook, sooner(now.Add(i.Playbook.Verify.Every), i.Wait.Until)}
	}
	return Effect{WantLook, later(now, i.Wait.Until)}
}

// asks reports whether it is the probes, or the alert, that a wait waits for.
func (w *Waited) asks() bool {
	return w.Reason == ReasonUnknown || w.Reason == ReasonDisagrees || w.Reason == ReasonAlertGone
}

// notLater wakes an incident at its deadline, if nothing else does before.
func (d *decision) notLater(e Effect) Effect {
	due := d.incident.Due(d.now)
	if d.incident.State != Escalated && due.Before(e.At) && !d.incident.midway(d.now) {
		return Effect{WantRest, due}
	}
	return e
}

// moves reports whether an event of an incident changes what it wants: what people
// are told and say beside does not.
func (e Event) moves() bool {
	said := e.Answered != nil && (e.Answered.Verb == PersonComments || e.Answered.Verb == PersonCancels)
	return e.Paged == nil && e.Acknowledged == nil && !said
}

// has reports whether this decision recorded an event of that type.
func (d *decision) has(t EventType) bool {
	for _, e := range d.events {
		if e.Type == t {
			return true
		}
	}
	return false
}

// later and sooner choose between two instants.
func later(a, b Instant) Instant {
	if a.Before(b) {
		return b
	}
	return a
}

func sooner(a, b Instant) Instant {
	if a.Before(b) {
		return a
	}
	return b
}
