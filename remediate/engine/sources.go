package engine

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
)

// hears takes note of an alert that only says that its source can still send some.
// The first one arms the source.
func (e *Engine) hears(a remediate.Arrival, now remediate.Instant) {
	inv := e.config.Load().Inventory
	for _, name := range slices.Sorted(maps.Keys(inv.Sources)) {
		s := inv.Sources[name]
		if !a.Alert.Firing() || !s.Match.Matches(a.Alert.Labels) || now.Since(a.Received) >= s.Within {
			continue
		}
		e.heard[name] = now
		if e.ledger.Sources[name].To != remediate.SourceHeard {
			e.sourceIs(name, remediate.SourceHeard, now)
		}
	}
}

func (e *Engine) sourceIs(name string, to remediate.SourceState, now remediate.Instant) {
	e.o.Logger.Warn("a source of alerts changed", slog.String("source", name), slog.String("to", string(to)))
	e.record(remediate.Event{Type: remediate.HostSourceChanged, At: now, SourceChanged: &remediate.SourceChanged{Source: name, To: to, At: now}})
}

// listen finds the sources of which nothing is heard any more. That is an alert about
// what carries the source, and goes the way of every alert.
func (e *Engine) listen(now remediate.Instant) {
	inv := e.config.Load().Inventory
	for _, name := range slices.Sorted(maps.Keys(inv.Sources)) {
		s := inv.Sources[name]
		if e.ledger.Sources[name].To == remediate.SourceHeard && now.Since(e.lastHeard(name)) >= s.Within {
			e.sourceIs(name, remediate.SourceSilent, now)
		}
		silent := e.ledger.Sources[name].To == remediate.SourceSilent
		e.m.source(name, silent)
		e.tellSilence(remediate.SourceAlert(name, s, silent, now.Wall), now)
	}
	e.believe(now)
}

// lastHeard is when a source was heard last: after a start of the agent that is the
// start, for nobody listened before.
func (e *Engine) lastHeard(name string) remediate.Instant {
	if at, ok := e.heard[name]; ok {
		return at
	}
	return e.began
}

// tellSilence takes in, as if it had come, that a source is silent, or that it is not
// any more. What is known already is not said again.
func (e *Engine) tellSilence(a alerts.Alert, now remediate.Instant) {
	if known := e.ledger.Episodes[a.Fingerprint]; !a.Firing() && (known == nil || !known.Alert.Firing()) {
		return
	}
	e.takeIn(remediate.Arrival{Alert: a, Received: now, Position: e.ledger.Cursor}, now)
}

// takeIn deals with an alert of our own, or one that came before.
func (e *Engine) takeIn(a remediate.Arrival, now remediate.Instant) {
	c := e.config.Load()
	if d := e.ledger.Hear(a, c.Playbooks, c.Inventory, e.newID(), now); d.Event != nil {
		e.dispose(d)
	}
}

// silentSource is where an alert comes from, if nothing is heard of that.
func (e *Engine) silentSource(a alerts.Alert) string {
	inv := e.config.Load().Inventory
	for _, name := range slices.Sorted(maps.Keys(inv.Sources)) {
		if e.ledger.Sources[name].To == remediate.SourceSilent && inv.Sources[name].Has(a) {
			return name
		}
	}
	return ""
}

// believeAfter is how long a source must be heard again before an end is believed that
// it told while it was falling silent: what still is so has fired again by then, for
// few alerts wait longer than that.
const believeAfter = 5 * time.Minute

// believe takes alerts for ended whose end was not believed, once their source is
// heard again for a while and they have not come back.
func (e *Engine) believe(now remediate.Instant) {
	for _, episode := range e.ledger.Doubted() {
		if e.heardFor(episode.Alert, now) < believeAfter {
			continue
		}
		ended := episode.Alert
		ended.Status = alerts.Resolved
		e.takeIn(remediate.Arrival{Alert: ended, Received: now, Position: e.ledger.Cursor}, now)
	}
}

// heardFor is how long every source of an alert has been heard again.
func (e *Engine) heardFor(a alerts.Alert, now remediate.Instant) time.Duration {
	shortest := believeAfter
	for name, s := range e.config.Load().Inventory.Sources {
		changed, armed := e.ledger.Sources[name]
		switch {
		case !armed || !s.Has(a):
		case changed.To == remediate.SourceSilent:
			return 0
		default:
			shortest = min(shortest, e.ledger.Elapsed(changed.At, now))
		}
	}
	return shortest
}
