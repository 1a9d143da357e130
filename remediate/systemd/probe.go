package systemd

import (
	"context"
	"time"

	"nightshift/remediate"
)

// Probe takes one sample of a unit's state and compares it with the one before,
// if that is less than a minute old: so a unit that crashes and comes back
// between two samples is unhealthy in the second. Unhealthy: failed, inactive
// (but for a oneshot unit whose last run ended well), waiting for its automatic
// restart, restarted by systemd since the last sample, or with a process killed
// for want of memory. Unknown: on its way to another state, unable to be loaded,
// or systemd out of reach.
func (u *Units) Probe(ctx context.Context, unit string) remediate.Observation {
	begin := time.Now()
	seen := remediate.Observation{Probe: remediate.UnitProbe(unit)}
	s, err := u.read(ctx, unit)
	if err != nil {
		seen.Detail = remediate.Brief(err.Error())
	} else {
		now := sample{at: begin, invocation: s.invocation, restarts: s.restarts, oomKills: oomKills(s.controlGroup)}
		seen.Health, seen.Detail = s.judge(now, u.exchange(unit, now))
	}
	seen.Took = time.Since(begin)
	return seen
}

// exchange keeps a sample and returns the one before, nil if none is fresh.
func (u *Units) exchange(unit string, now sample) *sample {
	u.mu.Lock()
	defer u.mu.Unlock()
	before, ok := u.samples[unit]
	u.samples[unit] = now
	if !ok || now.at.Sub(before.at) > sampleAge {
		return nil
	}
	return &before
}
