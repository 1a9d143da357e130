package engine

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/remediate"
)

// task is what the engine does for one live incident now: one effect at a time.
type task struct {
	// turn grows with each effect: an answer to an earlier one is dropped.
	turn uint64
	// acting is whether a step is under way in this process; nothing replaces it.
	acting bool
	cancel func()
	// seen is how what a plan may touch stood at the last look, and when that was.
	seen   *reading
	seenAt remediate.Instant
	// owed is an input whose events could not all be recorded yet.
	owed *remediate.Input
	// stuck is whether it was said that the incident can't go on.
	stuck bool
}

// saw is the last look, once, if it is fresh and shows all of that.
func (t *task) saw(touches []remediate.Target, now remediate.Instant) (*reading, bool) {
	seen := t.seen
	t.seen = nil
	if seen == nil {
		return nil, false
	}
	for _, on := range touches {
		if _, ok := seen.stand[on]; !ok {
			return nil, false
		}
	}
	return seen, now.Since(t.seenAt) < freshFor
}

// task is that of an incident, a new one if it has none.
func (e *Engine) task(id remediate.ID) *task {
	t := e.tasks[id]
	if t == nil {
		t = &task{cancel: func() {}}
		e.tasks[id] = t
	}
	return t
}

// advance gives an incident an input, records what follows, and starts what it
// wants next. While the log can't be written the input is owed.
func (e *Engine) advance(id remediate.ID, in remediate.Input) {
	incident := e.ledger.Incidents[id]
	switch {
	case incident == nil || e.fatal != nil:
		return
	case e.retry:
		e.owe(id, in)
		return
	}
	_, err := e.decide(incident, in)
	if t := e.task(id); err != nil && !t.stuck {
		t.stuck = true
		e.o.Logger.Error("cannot go on with an incident", slog.String("incident", string(id)), slog.Any("err", err))
	}
}

// decide is one turn of an incident: decided, recorded, and only then begun. It
// reports whether all of it was recorded; what was not is owed, and done again.
func (e *Engine) decide(incident *remediate.Incident, in remediate.Input) (bool, error) {
	events, effect, err := remediate.Decide(*incident, in, e.o.Now())
	if err != nil {
		return false, err
	}
	ended := false
	for _, event := range events {
		if !e.record(event) {
			e.owe(incident.ID, in)
			return false, nil
		}
		ended = ended || event.Ended != nil
	}
	if ended {
		e.trip()
	}
	e.begin(incident, effect)
	if ended {
		e.release(incident.ID)
	}
	return true, nil
}

// record makes one event durable and folds it. False says that it did not become
// durable, and that nothing of it was taken in.
func (e *Engine) record(event remediate.Event) bool {
	if e.fatal != nil {
		return false
	}
	boundary := boundary(event.Type)
	e.o.Reached(boundary + ".before")
	if err := e.o.Log.Append(e.ctx, event); err != nil {
		e.notRecorded(err)
		return false
	}
	e.o.Reached(boundary + ".after")
	if e.outage {
		e.outage = false
		e.o.Logger.Info("events are recorded again")
	}
	if err := e.ledger.Apply(event); err != nil {
		e.fatal = err
		return false
	}
	e.frozenBy.Store(e.ledger.Freeze)
	incident := e.ledger.Incidents[event.Incident]
	e.m.note(event, incident, e.o.Now())
	e.o.Told(event, incident)
	return true
}

// boundary names the durable boundary of an event: incident.step_started is
// step.started.
func boundary(t remediate.EventType) string {
	name := strings.TrimPrefix(string(t), "incident.")
	if name == string(t) || !strings.Contains(name, "_") {
		return string(t)
	}
	return strings.Replace(name, "_", ".", 1)
}

// retryAfter is the pause before the log is tried again.
const retryAfter = 500 * time.Millisecond

// notRecorded stops the engine when the log is another's, and else lets all that
// must be recorded wait.
func (e *Engine) notRecorded(err error) {
	if errors.Is(err, ErrFenced) || errors.Is(err, ErrStartAgain) {
		e.fatal = err
		return
	}
	if e.retry || e.ctx.Err() != nil {
		return
	}
	if !e.outage {
		e.outage = true
		e.o.Logger.Error("cannot record an event; nothing is done until it can be", slog.Any("err", err))
	}
	e.retry = true
	e.pace.After(retryAfter, e.tryAgain)
}

// owe remembers what has to be decided again. What came of a step can't be asked
// twice; all else is asked anew, because by then it may have changed.
func (e *Engine) owe(id remediate.ID, in remediate.Input) {
	t := e.task(id)
	if t.owed != nil && t.owed.Acted != nil {
		return
	}
	if in.Acted == nil {
		in = remediate.Input{Again: true}
	}
	t.owed = &in
}

// tryAgain does what is owed.
func (e *Engine) tryAgain() {
	e.retry = false
	for _, id := range slices.Sorted(maps.Keys(e.tasks)) {
		t := e.tasks[id]
		if in := t.owed; in != nil {
			t.owed = nil
			e.advance(id, *in)
		}
	}
	e.drain()
}

// release lets go on what waited for an incident that is over or with people, the
// oldest first.
func (e *Engine) release(id remediate.ID) {
	var waited []*remediate.Incident
	for _, other := range e.ledger.Incidents {
		if other.State == remediate.Waiting && other.Wait.On == id {
			waited = append(waited, other)
		}
	}
	slices.SortFunc(waited, func(a, b *remediate.Incident) int { return a.OpenedAt.Wall.Compare(b.OpenedAt.Wall) })
	for _, other := range waited {
		e.advance(other.ID, remediate.Input{Look: true})
	}
}
