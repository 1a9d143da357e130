package engine

import (
	"errors"
	"log/slog"
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
	// owed is an input whose events could not all be recorded yet.
	owed *remediate.Input
}

// retryAfter is the pause before the log is tried again.
const retryAfter = 500 * time.Millisecond

// recover takes up every live incident after a start.
func (e *Engine) recover() {
	now := e.o.Now()
	e.ledger.Prune(now)
	for _, i := range e.ledger.Live() {
		e.m.recovered.WithLabelValues(did(i)).Inc()
		e.o.Logger.Info("taking up an incident", slog.String("incident", string(i.ID)),
			slog.String("state", string(i.State)), slog.String("did", did(i)))
		in := remediate.Input{Woken: true}
		if e.freed(i) {
			in = remediate.Input{Look: true}
		}
		if i.State == remediate.Verifying {
			in = remediate.Input{Again: true}
		}
		e.advance(i.ID, in)
	}
	e.m.observe(e.ledger)
}

// did is how an incident is taken up after a restart: a value of the metric label
// of that name.
func did(i *remediate.Incident) string {
	switch {
	case i.Intent != nil:
		return "reconcile"
	case i.State == remediate.Verifying:
		return "verify"
	case i.State == remediate.Escalated:
		return "probe"
	}
	return "look"
}

// freed reports whether an incident waits for one that is over.
func (e *Engine) freed(i *remediate.Incident) bool {
	return i.State == remediate.Waiting && i.Wait.On != "" && !e.holds(i.Wait.On)
}

// holds reports whether an incident still keeps others waiting.
func (e *Engine) holds(id remediate.ID) bool {
	other := e.ledger.Incidents[id]
	return other != nil && other.State.Live() && other.State != remediate.Escalated
}

// advance gives an incident an input, records what follows, and starts what it
// wants next.
func (e *Engine) advance(id remediate.ID, in remediate.Input) {
	incident := e.ledger.Incidents[id]
	if incident == nil {
		return
	}
	_, err := e.decide(incident, in)
	if err != nil {
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
	for _, event := range events {
		if !e.record(event) {
			e.owe(incident.ID, in)
			return false, nil
		}
	}
	e.begin(incident, effect)
	if !incident.State.Live() || incident.State == remediate.Escalated {
		e.release(incident, events)
	}
	return true, nil
}

// record makes one event durable and folds it. False says that it did not become
// durable, and that nothing of it was taken in.
func (e *Engine) record(event remediate.Event) bool {
	boundary := boundary(event.Type)
	e.o.Reached(boundary + ".before")
	err := e.o.Log.Append(e.ctx, event)
	if err != nil {
		e.notRecorded(err)
		return false
	}
	e.o.Reached(boundary + ".after")
	if err := e.ledger.Apply(event); err != nil {
		e.fatal = err
		return false
	}
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

// notRecorded stops the engine when the log is another's, and else lets all that
// must be recorded wait.
func (e *Engine) notRecorded(err error) {
	if errors.Is(err, ErrFenced) {
		e.fatal = err
		return
	}
	if e.retry || e.ctx.Err() != nil {
		return
	}
	e.retry = true
	e.o.Logger.Error("cannot record an event; nothing is done until it can be", slog.Any("err", err))
	time.AfterFunc(retryAfter, func() { e.post(e.tryAgain) })
}

// owe remembers what has to be decided again. What came of a step can't be asked
// twice; all else is asked anew, because by then it may have changed.
func (e *Engine) owe(id remediate.ID, in remediate.Input) {
	if in.Acted == nil {
		in = remediate.Input{Woken: true}
	}
	e.task(id).owed = &in
}

// tryAgain does what is owed.
func (e *Engine) tryAgain() {
	e.retry = false
	for id, t := range e.tasks {
		if in := t.owed; in != nil {
			t.owed = nil
			e.advance(id, *in)
		}
	}
	e.drain()
}

func (e *Engine) task(id remediate.ID) *task {
	t := e.tasks[id]
	if t == nil {
		t = &task{cancel: func() {}}
		e.tasks[id] = t
	}
	return t
}

// release lets go on what waited for an incident that is over or with people.
func (e *Engine) release(incident *remediate.Incident, events []remediate.Event) {
	if len(events) == 0 {
		return
	}
	for _, other := range e.ledger.Live() {
		if other.State == remediate.Waiting && other.Wait.On == incident.ID {
			e.advance(other.ID, remediate.Input{Look: true})
		}
	}
	now := e.o.Now()
	for _, a := range e.ledger.Loosened(incident) {
		e.reopen(a, incident.ID, now)
	}
}

// tick does what depends on the time alone.
func (e *Engine) tick() {
	now := e.o.Now()
	e.ledger.Prune(now)
	for id := range e.tasks {
		if i := e.ledger.Incidents[id]; i == nil || !i.State.Live() && !e.tasks[id].acting {
			e.tasks[id].cancel()
			delete(e.tasks, id)
		}
	}
	if e.retry {
		return
	}
	e.takeUpAgain(now)
	if e.ledger.Freeze != nil && e.ledger.Freeze.Over(now) {
		e.record(remediate.Event{Type: remediate.HostThawed, At: now, Thawed: &remediate.Thawed{By: "nightshift", Comment: "its time was over"}})
	}
	e.m.freeze(e.frozen(now))
	e.snapshot()
}

// snapshot writes the fold down when it is due.
func (e *Engine) snapshot() {
	if !e.o.Log.SnapshotDue() {
		return
	}
	e.sayRead()
	text, err := remediate.EncodeJSON(e.ledger)
	if err == nil {
		err = e.o.Log.Snapshot(e.ctx, text)
	}
	if err != nil {
		e.o.Logger.Error("cannot write a snapshot", slog.Any("err", err))
	}
}

// frozen is the freeze that holds now, by a file or by the log.
func (e *Engine) frozen(now remediate.Instant) *remediate.Freeze {
	if f := e.o.FrozenByFile(); f != nil && !f.Over(now) {
		return f
	}
	return e.ledger.Frozen(now)
}
