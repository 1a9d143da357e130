package simulate

import (
	"slices"
	"time"

	"nightshift/remediate"
)

// touches holds an attempt to the windows of each thing that it touches: what a
// restart takes along counts as what is restarted does.
func (o *observer) touches(c *account, e remediate.Event) {
	climb := c.climb
	if c.asked && e.Started.What.Risk <= remediate.Limit {
		return
	}
	var anew []*attempt
	for _, on := range append(e.Started.What.Touches(), e.Started.Takes...) {
		again := func(a *attempt) bool { return a.on == on }
		if slices.ContainsFunc(climb.attempts, again) || slices.ContainsFunc(anew, again) {
			continue
		}
		if !c.asked && !o.bound(c, e.Started.Rung, e.Started.Step) {
			o.rates(c, e, on)
		}
		anew = append(anew, &attempt{on: on, playbook: c.playbook.Name, incident: c.id, at: moment{e.At, time.Now()}})
	}
	o.attempts = append(o.attempts, anew...)
	climb.attempts = append(climb.attempts, anew...)
}

// rates counts what was attempted before.
func (o *observer) rates(c *account, e remediate.Event, on remediate.Target) {
	recent, bounds := 0, c.playbook.Attempts
	for _, a := range o.attempts {
		if a.on != on {
			continue
		}
		if a.at.within(bounds.Per, e.At) {
			recent++
		}
		if a.incident != c.id && a.ended != nil {
			o.holds(cooledDown, !a.ended.within(bounds.Cooldown, e.At), "%s acts on %s %s after %s did, and it cools down for %s", c.id, on, time.Since(a.ended.truly), a.incident, bounds.Cooldown)
		}
	}
	inv := o.w.config.Inventory
	o.slides(c, "on "+on.String(), inv.Limits.Touched, func(a *attempt) bool { return a.on == on })
	by := inv.Limits.Playbook
	if own := inv.Own[c.playbook.Name].Rates; own != nil {
		by = own
	}
	o.slides(c, "by "+c.playbook.Name, by, func(a *attempt) bool { return a.playbook == c.playbook.Name })
	o.slides(c, "on the host", inv.Limits.Host, func(*attempt) bool { return true })
	o.trips(c, on)
	o.holds(withinRates, recent < bounds.Max, "%s acts on %s, which was acted on %d times in %s", c.id, on, recent, bounds.Per)
}

// slides counts attempts in truly sliding windows, by a clock that nobody sets.
func (o *observer) slides(c *account, of string, rates []remediate.Rate, fits func(*attempt) bool) {
	for _, rate := range rates {
		made := 0
		for _, a := range o.attempts {
			if fits(a) && time.Since(a.at.truly) < rate.Per {
				made++
			}
		}
		o.holds(withinRates, made < rate.Max, "%s begins another attempt %s, of which there were %d in %s", c.id, of, made, rate.Per)
	}
}

// trips holds an attempt to the breakers: those that are open by the log, and those
// that the outcomes call for.
func (o *observer) trips(c *account, on remediate.Target) {
	limit := o.w.config.Inventory.Limits.Breaker
	keys := []remediate.BreakerKey{remediate.Breaker{On: on}.Key(), remediate.Breaker{Playbook: c.playbook.Name}.Key()}
	for _, key := range keys {
		o.holds(breakerHolds, !o.breakers[key] || c.climb.rung > 0, "%s begins though the breaker of %s is open", c.id, key)
	}
	failed, row, counted := 0, 0, map[remediate.ID]bool{}
	for _, a := range slices.Backward(o.attempts) {
		other := o.cases[a.incident]
		if a.on != on || a.outcome == "" || other.state == remediate.Open || a.forgiven[keys[0]] || time.Since(a.at.truly) >= limit.Per {
			continue
		}
		if counted[a.incident] {
			continue // an incident counts once, by its last attempt
		}
		counted[a.incident] = true
		if row++; a.outcome != remediate.Fixed {
			failed, row = failed+1, 0
		}
		if row == 2 {
			break
		}
	}
	o.holds(breakerHolds, failed < limit.Touched || c.climb.rung > 0, "%s begins on %s after %d failures with no two successes since", c.id, on, failed)
}

// forgives closes a breaker.
func (o *observer) forgives(key remediate.BreakerKey) {
	delete(o.breakers, key)
	for _, a := range o.attempts {
		if a.ended == nil {
			continue
		}
		if a.forgiven == nil {
			a.forgiven = map[remediate.BreakerKey]bool{}
		}
		a.forgiven[key] = true
	}
}
