package engine

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"nightshift/remediate"
)

// weather records a storm when so much breaks at once.
func (e *Engine) weather(now remediate.Instant) {
	inv := e.config.Load().Inventory
	if e.stormNow(now) != nil {
		return
	}
	broke := e.ledger.Broke(inv.Limits.Storm.Per, now)
	if len(broke) < 2 {
		return
	}
	var on []remediate.Target
	for _, i := range e.ledger.Incidents {
		if i.State.Live() && i.Asked == nil {
			on = append(on, i.Target)
		}
	}
	why, storm := inv.IsStorm(broke, on)
	if !storm {
		return
	}
	e.o.Logger.Warn("much broke at once; nothing begins for a while", slog.String("why", why))
	e.record(remediate.Event{Type: remediate.HostStormBegan, At: now, StormBegan: &remediate.Storm{
		Targets: broke, Why: why, Incident: e.ledger.Began[len(e.ledger.Began)-1].Incident, At: now, Until: now.Add(inv.Limits.Storm.Lasts),
	}})
}

// stormNow is the storm that goes on; nil if none does. Its length is that of the
// time that the host was up for.
func (e *Engine) stormNow(now remediate.Instant) *remediate.Storm {
	s := e.ledger.Storm
	if s == nil || e.ledger.Elapsed(s.At, now) >= s.Until.Since(s.At) {
		return nil
	}
	return s
}

// trip opens the breakers whose failures are too many, and takes the playbooks down a
// level that failed. It comes after each end, and with the tick: a crash in between
// forgets nothing.
func (e *Engine) trip() {
	keys := map[remediate.BreakerKey]remediate.Breaker{}
	c, now := e.config.Load(), e.o.Now()
	for _, a := range slices.Backward(e.ledger.Attempts) {
		if e.ledger.Elapsed(a.At, now) >= c.Inventory.Limits.Breaker.Per {
			break
		}
		for _, b := range []remediate.Breaker{{On: a.On}, {Playbook: a.Playbook}} {
			if b.Playbook == "" || c.watches(b.Playbook) {
				keys[b.Key()] = b
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if _, open := e.ledger.Breakers[key]; open {
			continue
		}
		if b, ok := e.tripped(keys[key]); ok {
			e.o.Logger.Warn("a breaker opened", slog.String("on", string(key)), slog.String("why", b.Why))
			e.record(remediate.Event{Type: remediate.HostBreakerOpened, At: b.At, BreakerOpened: &b})
		}
	}
	e.lower()
	e.m.breakers(*e.config.Load(), e.ledger.Breakers)
}

// watches reports whether a playbook is on that alerts start. One that people start is
// their own to hold back.
func (c *Config) watches(playbook string) bool {
	return slices.ContainsFunc(c.Playbooks, func(p remediate.Playbook) bool { return p.Name == playbook })
}

// tripped is a breaker that its failures open, whether or not that was recorded.
func (e *Engine) tripped(b remediate.Breaker) (remediate.Breaker, bool) {
	inv, now := e.config.Load().Inventory, e.o.Now()
	limit := inv.BreakerOf(b.On)
	if b.Playbook != "" {
		limit = inv.BreakerBy(b.Playbook)
	}
	failed, last := e.ledger.Failures(b.On, b.Playbook, inv.Limits.Breaker.Per, now)
	if failed < limit {
		return b, false
	}
	b.Why = fmt.Sprintf("%d attempts failed within %s, and no two in a row helped since", failed, inv.Limits.Breaker.Per)
	b.Incident, b.At = last, now
	return b, true
}

// lower takes playbooks down a level for what failed.
func (e *Engine) lower() {
	c, now := e.config.Load(), e.o.Now()
	for _, id := range slices.Sorted(maps.Keys(e.ledger.Lowers)) {
		owed := e.ledger.Lowers[id]
		p, _ := c.find(owed.Playbook)
		level := e.autonomy(p, c.Mode)
		if !c.watches(p.Name) || c.Inventory.Own[p.Name].KeepsLevel || level <= remediate.WatchOnly {
			continue
		}
		e.o.Logger.Warn("a playbook goes down a level", slog.String("playbook", p.Name), slog.String("to", (level-1).String()), slog.String("why", owed.Why))
		e.record(remediate.Event{Type: remediate.HostAutonomySet, At: now, AutonomySet: &remediate.AutonomySet{
			Playbook: p.Name, To: level - 1, Why: owed.Why, Incident: id, At: now,
		}})
	}
}
