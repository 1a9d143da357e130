package simulate

import (
	"maps"
	"slices"
	"time"

	"nightshift/remediate"
)

// slack is how long an agent may take to do what is due: more than a publish that
// nobody answers, and a few tries.
const slack = 45 * time.Second

// looks holds the live incidents to their deadlines, whenever the agent could have
// done something about it.
func (o *observer) looks() {
	p := o.w.process()
	o.w.stream.mu.Lock()
	down := o.w.stream.down
	o.w.stream.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	if p.gone.Load() || time.Since(p.began) < slack || !down.IsZero() && time.Since(down) < slack {
		return
	}
	o.lost()
	for _, id := range slices.Sorted(maps.Keys(o.cases)) {
		if c := o.cases[id]; c.state == remediate.Open {
			late := time.Since(c.since) - c.playbook.Deadline
			o.holds(inTime, late < slack || o.midway(c), "%s of %s is not over %s after its deadline", c.id, c.playbook.Name, late)
		}
	}
}

// midway reports whether an incident is half-way through a rollback, which has a
// deadline of its own.
func (o *observer) midway(c *account) bool {
	if c.climb == nil || c.plan == nil || !o.bound(c, c.climb.rung, len(c.plan.Rungs[c.climb.rung].Steps)) {
		return false
	}
	return time.Since(c.climb.began) < 2*c.playbook.Deadline+slack
}

// lost finds alerts that were accepted a while ago and are in no incident: neither
// told since, nor part of an episode that went on when they came.
func (o *observer) lost() {
	var waiting []letter
	for _, l := range o.letters {
		if time.Since(l.at) < slack {
			waiting = append(waiting, l)
			continue
		}
		known := o.knows(l)
		o.holds(alertsKept, known, "%s, which came %s after the beginning as message %d, is in no incident", l.name, l.at.Sub(o.w.began), l.position.Message)
	}
	o.letters = waiting
}

// knows reports whether the log took an alert in: it was told since, or its episode
// went on by the last word before.
func (o *observer) knows(l letter) bool {
	known := false
	for _, w := range o.told[l.fingerprint] {
		before := l.at.Sub(w.at)
		if before < 0 {
			return true
		}
		known = w.firing && before < 5*time.Hour || before < 20*time.Minute
	}
	return known
}
