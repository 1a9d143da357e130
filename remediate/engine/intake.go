package engine

import (
	"context"

	"nightshift/remediate"
)

// arrival is one message of alerts that waits for its turn.
type arrival struct {
	alerts []remediate.Arrival
	done   chan<- struct{}
}

// sayReadAfter is how many messages that opened nothing may be dealt with before
// the cursor is written down: a restart reads at most so many again.
const sayReadAfter = 1000

// Take deals with the alerts of one message, in order, and returns once each is
// in an incident or known to open none. It fails only when ctx or the engine ends.
func (e *Engine) Take(ctx context.Context, alerts []remediate.Arrival) error {
	done := make(chan struct{})
	if !e.pace.Post(func() { e.arrive(arrival{alerts, done}) }) {
		return context.Canceled
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-e.done:
		return context.Canceled
	}
}

// arrive queues a message and deals with what can be dealt with.
func (e *Engine) arrive(a arrival) {
	e.arrived = append(e.arrived, a)
	e.drain()
}

// atOnce is how many alerts are dealt with before whatever else waits for the
// engine has its turn: each may cost an append, and a freeze must not wait for a
// thousand of them.
const atOnce = 50

// drain deals with queued messages until one can't be recorded: then they wait,
// and nothing is lost, for the cursor has not moved.
func (e *Engine) drain() {
	taken := 0
	for len(e.arrived) > 0 && !e.retry {
		a := &e.arrived[0]
		for ; len(a.alerts) > 0; taken++ {
			if taken == atOnce {
				e.pace.Go(func() { e.pace.Post(e.drain) })
				return
			}
			if !e.take(a.alerts[0]) {
				return
			}
			a.alerts = a.alerts[1:]
		}
		close(a.done)
		e.arrived = e.arrived[1:]
	}
	if e.unsaid.Message >= e.told.Message+sayReadAfter {
		e.sayRead()
	}
}

// take deals with one alert; false says that it could not be recorded.
func (e *Engine) take(a remediate.Arrival) bool {
	if !a.Position.After(e.unsaid) {
		e.o.CountAlert(string(remediate.FateDropped))
		return true
	}
	c, now := e.config.Load(), e.o.Now()
	e.hears(a, now)
	a.Doubted = !a.Alert.Firing() && e.silentSource(a.Alert) != ""
	d := e.ledger.Take(a, c.Playbooks, c.Inventory, e.newID(), now)
	if !e.dispose(d) {
		return false
	}
	e.unsaid = a.Position
	return true
}

// dispose records what becomes of an alert and lets its incident go on.
func (e *Engine) dispose(d remediate.Disposition) bool {
	if d.Event != nil && d.Event.Opened != nil {
		opened := d.Event.Opened
		opened.WatchOnly = e.autonomy(opened.Playbook, e.config.Load().Mode) == remediate.WatchOnly
	}
	if d.Event != nil && !e.record(*d.Event) {
		return false
	}
	e.o.CountAlert(string(d.Fate))
	switch d.Fate {
	case remediate.FateOpened:
		e.advance(d.Incident, remediate.Input{Woken: true})
	case remediate.FateJoined:
		e.advance(d.Incident, remediate.Input{Look: true})
	}
	return true
}

// sayRead writes the cursor down.
func (e *Engine) sayRead() {
	if !e.unsaid.After(e.ledger.Cursor) {
		e.told = e.unsaid
		return
	}
	if e.record(remediate.Event{Type: remediate.AlertsRead, At: e.o.Now(), Read: &remediate.Read{Position: e.unsaid}}) {
		e.told = e.unsaid
	}
}
