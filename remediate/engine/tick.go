package engine

import (
	"log/slog"
	"maps"
	"slices"

	"nightshift/remediate"
)

// recover takes up every live incident after a start.
func (e *Engine) recover() {
	e.ledger.Prune(e.o.Now())
	for _, i := range e.ledger.Live() {
		did := did(i)
		e.m.recovered.WithLabelValues(did).Inc()
		e.o.Logger.Info("taking up an incident", slog.String("incident", string(i.ID)),
			slog.String("state", string(i.State)), slog.String("did", did))
		e.advance(i.ID, remediate.Input{Again: true})
	}
	e.m.observe(e.ledger)
	e.m.freeze(e.frozen(e.o.Now()))
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

// tick does what depends on the time alone.
func (e *Engine) tick() {
	now := e.o.Now()
	e.m.freeze(e.frozen(now))
	e.ledger.Prune(now)
	e.tidy()
	if e.retry {
		return
	}
	e.overdue(now)
	e.page(now)
	e.takeUpAgain(now)
	e.trip()
	e.listen(now)
	e.observe(now)
	e.noteFile(now)
	if e.ledger.Freeze != nil && e.ledger.Freeze.Over(now) {
		e.record(remediate.Event{Type: remediate.HostThawed, At: now, Thawed: &remediate.Thawed{By: "nightshift", Comment: "its time was over"}})
	}
}

// tidy drops the tasks of incidents that are over.
func (e *Engine) tidy() {
	for id, t := range e.tasks {
		if i := e.ledger.Incidents[id]; i == nil || !i.State.Live() && !t.acting {
			t.cancel()
			delete(e.tasks, id)
		}
	}
}

// overdue hands incidents to people whose deadline came while they waited for an
// answer of the world that may never come.
func (e *Engine) overdue(now remediate.Instant) {
	for _, id := range slices.Sorted(maps.Keys(e.tasks)) {
		i, t := e.ledger.Incidents[id], e.tasks[id]
		if i.State.Live() && i.State != remediate.Escalated && !t.stuck && i.Overdue(now) {
			e.advance(id, remediate.Input{Woken: true})
		}
	}
}

// page tells people of what they have and nobody acknowledged, when its next level
// has come.
func (e *Engine) page(now remediate.Instant) {
	for _, i := range e.ledger.Live() {
		if _, due := i.PageDue(now); due && !e.task(i.ID).stuck {
			e.advance(i.ID, remediate.Input{Woken: true})
		}
	}
}

// takeUpAgain judges alerts anew that fire still: those that hung on an incident
// which is over or with people, and those whose incident ended a while ago.
func (e *Engine) takeUpAgain(now remediate.Instant) {
	for _, find := range []func(remediate.Instant) ([]remediate.Arrival, []remediate.ID){e.ledger.Loosened, e.ledger.Lingering} {
		again, follows := find(now)
		for n, a := range again {
			e.reopen(a, follows[n], now)
		}
	}
}

func (e *Engine) reopen(a remediate.Arrival, follows remediate.ID, now remediate.Instant) {
	c := e.config.Load()
	d := e.ledger.Open(a, c.Playbooks, c.Inventory, e.newID(), follows, now)
	if d.Fate == remediate.FateUnmatched {
		return // its playbook is gone, and nobody will do anything about it
	}
	if e.dispose(d) {
		e.o.Logger.Info("the alert still fires and is judged anew",
			slog.String("incident", string(d.Incident)), slog.String("follows", string(follows)))
	}
}

// frozen is the freeze that holds now, by a file or by the log.
func (e *Engine) frozen(now remediate.Instant) *remediate.Freeze {
	if f := e.o.FrozenByFile(); f != nil && !f.Over(now) {
		return f
	}
	return e.ledger.Frozen(now)
}

// Halted is the freeze that holds now; nil if none does. It waits for nothing, so that
// an actuator can ask directly before its effect.
func (e *Engine) Halted() *remediate.Freeze {
	now := e.o.Now()
	if f := e.o.FrozenByFile(); f != nil && !f.Over(now) {
		return f
	}
	if f := e.frozenBy.Load(); f != nil && !f.Over(now) {
		return f
	}
	return nil
}

// noteFile puts on the record that a file freezes the agent, and that it is gone. What
// it freezes does not wait for that.
func (e *Engine) noteFile(now remediate.Instant) {
	f, said := e.o.FrozenByFile(), e.ledger.FileFreeze
	switch {
	case f != nil && !f.Damage && (said == nil || said.Reason != f.Reason):
		noted := *f
		noted.File = true
		e.record(remediate.Event{Type: remediate.HostFroze, At: now, Froze: &noted})
	case f == nil && said != nil:
		e.record(remediate.Event{Type: remediate.HostThawed, At: now, Thawed: &remediate.Thawed{By: "file", Comment: "it is gone", File: true}})
	}
}
