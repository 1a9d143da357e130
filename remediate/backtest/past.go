package backtest

import (
	"slices"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/rehearsal"
)

// past is the world as far as it is known: which alerts fired.
type past struct {
	config engine.Config
	begin  time.Time
	spans  []span
}

// span is an alert that fires from one time until another, with the probes that its
// playbook verifies by and what that acts on.
type span struct {
	from, until time.Duration
	probes      []string
	touches     []remediate.Target
	acted       bool
}

// fires takes an alert in; false says that no playbook is for it.
func (w *past) fires(f Fired) bool {
	a := alerts.Alert{Status: alerts.Firing, Labels: f.Labels, Fingerprint: alerts.FingerprintOf(f.Labels)}
	d := remediate.NewLedger().Open(remediate.Arrival{Alert: a}, w.config.Playbooks, w.config.Inventory, "AAAA1111", "", remediate.Instant{Wall: f.From})
	if d.Event == nil || d.Event.Opened == nil {
		return false
	}
	opened := d.Event.Opened
	s := span{from: f.From.Sub(w.begin), until: f.Until.Sub(w.begin), probes: opened.Playbook.Verify.Healthy}
	if plan, err := remediate.MakePlan(opened.Playbook, opened.Target, remediate.Seen{Inventory: w.config.Inventory}); err == nil {
		s.touches = plan.Touches()
	}
	w.spans = append(w.spans, s)
	return true
}

// Probe agrees with the alerts that fire, and can't tell once something was done.
func (w *past) Probe(name string, at time.Duration) rehearsal.Answer {
	answer := rehearsal.Answer{Health: remediate.Healthy}
	for _, s := range w.spans {
		switch {
		case at < s.from || at >= s.until || !slices.Contains(s.probes, name):
		case s.acted && answer.Health == remediate.Healthy:
			answer = rehearsal.Answer{Health: remediate.Unknown, Detail: "what the step came to was never observed"}
		case !s.acted:
			answer = rehearsal.Answer{Health: remediate.Unhealthy, Detail: "its alert fired"}
		}
	}
	return answer
}

// Situation is that of something that runs.
func (w *past) Situation(remediate.Target, time.Duration) remediate.Situation {
	return remediate.Situation{Known: true, Exists: true, Active: true, StartsLeft: -1}
}

// Machine is one of which nothing is known.
func (w *past) Machine(string, *remediate.Asked, time.Duration) remediate.Machine {
	return remediate.Machine{State: "not known"}
}

// Do does nothing: from here on what the alerts' probes say is unknown.
func (w *past) Do(step remediate.Step, at time.Duration) rehearsal.Deed {
	for n := range w.spans {
		s := &w.spans[n]
		if at >= s.from && at < s.until && (len(s.touches) == 0 || slices.Contains(s.touches, step.On)) {
			s.acted = true
		}
	}
	return rehearsal.Deed{Takes: time.Second}
}
