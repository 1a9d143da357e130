package simulate

import (
	"slices"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
)

// account is what the observer knows of an incident.
type account struct {
	id       remediate.ID
	playbook remediate.Playbook
	target   remediate.Target
	asked    bool
	alert    string          // the name of the one that opened it
	state    remediate.State // open while it lives with the agent
	// live is since when the agent has it, by the log and in truth.
	live  remediate.Instant
	since time.Time

	plan *remediate.Plan
	// held is the rung that waits for a person, -1 when none; heldAt since when.
	held     int
	heldAt   remediate.Instant
	approval *approval
	climb    *climb
	intent   *intent
	// watched is when the verification began, worst what the probes said last in
	// it, and same since when.
	watched, same remediate.Instant
	worst         remediate.Health
	only          remediate.Reason // why it is no attempt of ours, if so
}

// approval is a person's yes.
type approval struct {
	by, digest string
	at         remediate.Instant
	// climbed is whether it was used.
	climbed bool
}

// climb is a rung under way.
type climb struct {
	rung     int
	at       remediate.Instant
	began    time.Time
	approval *approval
	// did counts what happened of each step, asked how often it was asked for.
	did, asked map[int]int
	attempts   []*attempt
}

// attempt is one climb touching one thing.
type attempt struct {
	on       remediate.Target
	playbook string
	incident remediate.ID
	at       moment
	ended    *moment
	outcome  remediate.Outcome
	// forgiven is for which breakers a person closed it counts no more.
	forgiven map[remediate.BreakerKey]bool
}

// moment is when something was decided, as the log has it and in truth.
type moment struct {
	remediate.Instant
	truly time.Time
}

// within reports whether a moment lies less than a span before an event: by the
// log's rule, and in truth. The rule alone would see everything that a clock ten
// years ahead was asked for as just now, once that clock is right again.
func (m moment) within(length time.Duration, at remediate.Instant) bool {
	return span(m.Instant, at) < length && time.Since(m.truly) < length
}

// intent is a step that was begun and not finished.
type intent struct {
	remediate.Started
	at   time.Time
	acts int
	// happened is whether the world changed by it.
	happened bool
}

// freeze is one that holds, and since when in truth.
type freeze struct {
	remediate.Freeze
	since time.Time
}

// act is an effect under way.
type act struct {
	p     *process
	step  remediate.Step
	began time.Time
}

// answer is what a probe said.
type answer struct {
	at     time.Time
	health remediate.Health
}

// word is that the log took in an alert.
type word struct {
	at     time.Time
	firing bool
}

// letter is a firing alert that was delivered.
type letter struct {
	fingerprint alerts.Fingerprint
	at          time.Time
	position    remediate.Position
	name        string
}

// touching is what an incident is at work on, or holds while it verifies.
func (c *account) touching() []remediate.Target {
	if c.plan == nil || c.intent == nil && (c.climb == nil || c.held >= 0) {
		return nil
	}
	var rung int
	if c.intent != nil {
		rung = c.intent.Rung
	} else {
		rung = c.climb.rung
	}
	var on []remediate.Target
	for _, s := range c.plan.Rungs[rung].Steps {
		if s.Do != remediate.VerbProve && s.Do != remediate.VerbPromote && !slices.Contains(on, s.On) {
			on = append(on, s.On)
		}
	}
	return on
}

// overlap reports whether two targets meet: the host contains everything, a VM its
// units.
func overlap(a, b remediate.Target) bool {
	contains := func(a, b remediate.Target) bool {
		return a == b || a.Kind == remediate.HostKind || a.Kind == remediate.VMKind && b.Kind == remediate.UnitKind
	}
	return contains(a, b) || contains(b, a)
}
