// Package backtest says what an agent would have done about alerts that fired: it runs
// them through the real engine and gates in virtual time.
//
// Of the world nothing is known but which alerts fired when. So a probe is taken to
// agree while the alert that it verifies fires, everything else to be well, and what a
// step came to is unknown: after the first step of an incident no probe can tell, and
// no breaker opens by it.
package backtest

import (
	"fmt"
	"slices"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/rehearsal"
)

// Would is what an incident would have come to, as far as can be told.
type Would string

// What would have become of it.
const (
	Acts    Would = "act"     // its first step would have been done; the rest is unknown
	Asks    Would = "ask"     // a person would have been asked to approve
	Watches Would = "observe" // it would only have been noted
	Hands   Would = "people"  // people would have got it, nothing done
	Nothing Would = "nothing" // the alert was over before anything was due
)

// All lists them.
var All = []Would{Acts, Asks, Watches, Hands, Nothing}

// Incident is one that would have been opened.
type Incident struct {
	At       time.Time        `json:"at"`
	Alert    string           `json:"alert"`
	Playbook string           `json:"playbook"`
	Target   string           `json:"target"`
	Would    Would            `json:"would"`
	Rung     string           `json:"rung,omitzero"`
	Steps    []string         `json:"steps,omitzero"`
	Risk     remediate.Risk   `json:"risk,omitzero"`
	Reason   remediate.Reason `json:"reason,omitzero"`
}

// Report is what a backtest shows.
type Report struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Alerts fired in that time, each as often as it began; NotMine of them are not
	// about this host, and Unmatched have no playbook.
	Alerts    int           `json:"alerts"`
	NotMine   int           `json:"notMine"`
	Unmatched int           `json:"unmatched"`
	Sum       map[Would]int `json:"sum"`
	Incidents []Incident    `json:"incidents"`
}

// Run runs alerts through a configuration.
func Run(config engine.Config, scope alerts.Scope, fired []Fired, from, until time.Time) (Report, error) {
	r := Report{From: from.UTC(), Until: until.UTC(), Alerts: len(fired), Sum: map[Would]int{}, Incidents: []Incident{}}
	for _, would := range All {
		r.Sum[would] = 0
	}
	mine := slices.DeleteFunc(slices.Clone(fired), func(f Fired) bool { return !scope.Mine(alerts.Alert{Labels: f.Labels}) })
	r.NotMine = len(fired) - len(mine)
	if len(mine) == 0 {
		return r, nil
	}
	config.Inventory = unjudged(config)
	w := &past{config: config, begin: from}
	var words []rehearsal.Word
	for _, f := range mine {
		words = append(words, rehearsal.Fires(f.Labels, max(f.From.Sub(from), 0), f.Until.Sub(from), from)...)
		if !w.fires(f) {
			r.Unmatched++
		}
	}
	slices.SortStableFunc(words, func(a, b rehearsal.Word) int { return int(a.At/time.Millisecond) - int(b.At/time.Millisecond) })
	came, err := rehearsal.Run(rehearsal.Config{Engine: config, Begin: from},
		rehearsal.Script{Alerts: words, World: w, Lasts: until.Sub(from) + time.Hour})
	if err != nil {
		return Report{}, fmt.Errorf("cannot run the alerts through: %w", err)
	}
	for _, i := range told(came.Events) {
		r.Incidents = append(r.Incidents, *i)
		r.Sum[i.Would]++
	}
	return r, nil
}

// unjudged is the inventory where nothing follows from what a step came to: that is
// not known.
func unjudged(c engine.Config) remediate.Inventory {
	const never = 1 << 30
	inv := c.Inventory
	inv.Limits = inv.Limits.WithDefaults()
	inv.Limits.Breaker.Touched, inv.Limits.Breaker.Playbook = never, never
	own := map[string]remediate.Own{}
	for _, p := range c.Playbooks {
		of := inv.Own[p.Name]
		of.Breaker, of.KeepsLevel = 0, true
		own[p.Name] = of
	}
	inv.Own = own
	return inv
}

// told sums up each incident up to its first step.
func told(events []remediate.Event) []*Incident {
	byID, all := map[remediate.ID]*Incident{}, []*Incident{}
	var plans = map[remediate.ID]remediate.Plan{}
	for _, e := range events {
		i := byID[e.Incident]
		switch {
		case e.Opened != nil:
			i = &Incident{
				At: e.At.Wall, Alert: e.Opened.Alert.Name(), Playbook: e.Opened.Playbook.Name, Target: e.Opened.Target.String(), Would: Nothing,
			}
			byID[e.Incident], all = i, append(all, i)
		case i == nil || i.Would == Acts || i.Would == Asks:
		case e.Planned != nil:
			plans[e.Incident] = e.Planned.Plan
		case e.Started != nil:
			i.would(Acts, plans[e.Incident], "")
		case e.Judged != nil && e.Judged.Verdict.Decision == remediate.Hold:
			i.would(Asks, plans[e.Incident], e.Judged.Verdict.Reason)
		case e.Ended != nil && (e.Ended.State == remediate.Observed || e.Ended.State == remediate.Suppressed):
			i.would(Watches, plans[e.Incident], e.Ended.Reason)
		case e.Ended != nil && e.Ended.State == remediate.Escalated:
			i.would(Hands, plans[e.Incident], e.Ended.Reason)
		case e.Ended != nil && i.Would == Nothing:
			i.Reason = e.Ended.Reason
		}
	}
	return all
}

func (i *Incident) would(w Would, plan remediate.Plan, why remediate.Reason) {
	i.Would, i.Reason = w, why
	if len(plan.Rungs) == 0 {
		return
	}
	first := plan.Rungs[0]
	i.Rung, i.Risk, i.Steps = first.Name, first.Risk(), nil
	for _, s := range first.Steps {
		i.Steps = append(i.Steps, s.String())
	}
}
