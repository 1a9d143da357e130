package remediate

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	// unknownLasts is how long an incident asks again while its probes can't
	// tell: long enough for two samples of a counter at any sane interval, and
	// for a service that is just starting.
	unknownLasts = 30 * time.Second
	// doubtLasts is the pause before the world is asked again whether a step
	// happened.
	doubtLasts = 2 * time.Second
	// escalatedEvery is how often an incident that people have is probed.
	escalatedEvery = time.Minute
)

// lookNow cuts a wait short: what was waited for may be over. Work that has begun
// is not disturbed.
func (d *decision) lookNow() {
	if s := d.incident.State; s == Open || s == Waiting || s == Held {
		d.next = &Effect{WantLook, d.now}
	}
}

// watchAgain begins a verification anew whose probes nobody asked for a while.
func (d *decision) watchAgain() {
	if i := &d.incident; i.State == Verifying && i.Watch.Outcome == "" {
		d.record(Event{Type: VerifyStarted, Watched: &Watched{Rung: i.Rung, Only: i.Watch.Only}})
	}
}

// looked decides what an incident does about what was seen. An act needs both an
// alert that fires and a probe that agrees: unknown is not bad, and an alert
// alone may be stale, false, or about something that is over.
func (d *decision) looked(l Looked) {
	i := &d.incident
	worst := Worst(l.Observations[:l.Verify])
	switch {
	case i.State == Held && (worst != Healthy || i.Firing):
	case i.State != Open && i.State != Waiting && i.State != Held:
	case worst == Healthy && len(i.Tried) > 0 && i.Plan != nil:
		d.record(Event{Type: VerifyStarted, Watched: &Watched{Rung: i.Rung}})
	case worst == Healthy && !i.Firing:
		d.record(d.end(Cleared, ReasonHealthy, "healthy, and the alert is gone"))
	case worst == Healthy:
		d.lookAgain(ReasonDisagrees, i.Due())
	case worst == Unknown:
		d.lookAgain(ReasonUnknown, d.now.Add(unknownLasts))
	case !i.Firing:
		d.lookAgain(ReasonAlertGone, i.Due())
	default:
		d.plan(l)
	}
}

// lookAgain waits for one reason and asks again soon; when the wait for that
// reason is over, people have it.
func (d *decision) lookAgain(why Reason, until Instant) {
	i := &d.incident
	if i.State != Waiting || i.Wait.Reason != why {
		d.record(Event{Type: IncidentWaiting, Waited: &Waited{Reason: why, Until: until}})
	}
	if !d.now.Before(i.Wait.Until) {
		d.record(d.end(Escalated, why, "it stayed so until its time was over"))
		return
	}
	d.next = &Effect{WantLook, d.now.Add(i.Playbook.Verify.Every)}
}

// plan binds the incident to what would be done now. Once a rung was begun the
// plan stays; before that it follows what is seen.
func (d *decision) plan(l Looked) {
	i := &d.incident
	if len(i.Tried) > 0 && i.Plan != nil {
		d.next = &Effect{WantJudge, d.now}
		return
	}
	if l.PlanError != "" {
		d.record(d.end(Escalated, ReasonDisproved, l.PlanError))
		return
	}
	if i.Plan == nil || i.Plan.Digest != l.Plan.Digest {
		d.record(Event{Type: IncidentPlanned, Planned: &Planned{
			Plan: l.Plan, Observations: l.Observations, Invocations: l.Invocations,
		}})
	}
	d.next = &Effect{WantJudge, d.now}
}

// judged takes the gates' answer about the next rung. An answer that it already
// waits for is not recorded again.
func (d *decision) judged(j Judgement) {
	if s := d.incident.State; s != Open && s != Waiting {
		return
	}
	d.verdict(j, false)
}

func (d *decision) verdict(j Judgement, beforeEffect bool) {
	i := &d.incident
	v := j.Verdict
	if v.Decision == Wait && i.Wait != nil && i.Wait.Reason == v.Reason && i.Wait.On == v.On && v.On != "" {
		return
	}
	if v.Decision == Wait && v.On == "" && i.Due().Before(v.Until) {
		d.record(d.end(Escalated, v.Reason, v.Detail+"; that is after its deadline"))
		return
	}
	d.record(Event{Type: IncidentJudged, Judged: &Judged{
		Rung: i.Rung, Step: i.Step, BeforeEffect: beforeEffect, Verdict: v, Facts: j.Facts,
	}})
}

func (d *decision) gathered(g Gathered) {
	if d.incident.State != Acting || d.incident.Gathered {
		return
	}
	d.record(Event{Type: EvidenceGathered, Gathered: &g})
}

// prepared turns a step into an intent, if the gates still allow it.
func (d *decision) prepared(p Prepared) {
	i := &d.incident
	step, ok := i.NextStep()
	if i.State != Acting || i.Intent != nil || !ok {
		return
	}
	switch {
	case p.Verdict.Decision != Allow:
		d.verdict(p.Judgement, true)
	case p.Error != "":
		d.record(d.end(Escalated, ReasonInDoubt, "cannot read the state of "+step.On.Name+": "+p.Error))
	default:
		d.record(Event{Type: StepStarted, Started: &Started{
			Rung: i.Rung, Step: i.Step, What: step, PlanDigest: i.Plan.Digest,
			Witness: p.Witness, Again: i.Retry, Facts: p.Facts,
		}})
	}
}

// acted takes what came of a step, also when people have the incident by then.
func (d *decision) acted(a Acted) {
	i := &d.incident
	if i.Intent == nil {
		return
	}
	intent := *i.Intent
	switch {
	case a.InDoubt:
		d.next = &Effect{WantReconcile, d.now.Add(doubtLasts)}
	case a.NotDone && a.Recovered:
		d.notDone(intent, a)
	case a.NotDone:
		a.Receipt = Receipt{Result: Failed, Detail: Brief(a.Error), Took: a.Receipt.Took}
		fallthrough
	default:
		d.record(Event{Type: StepFinished, Finished: &Finished{
			Rung: intent.Rung, Step: intent.Step, Receipt: a.Receipt,
			Invocations: a.Invocations, Recovered: a.Recovered,
		}})
	}
}

// notDone handles a step that a crash kept from happening: once more if a second
// time does no more harm than the first, else people decide.
func (d *decision) notDone(intent Started, a Acted) {
	again := Verbs[intent.What.Do].RepeatSafe && !intent.Again
	d.record(Event{Type: StepFinished, Finished: &Finished{
		Rung: intent.Rung, Step: intent.Step, Recovered: true, NotDone: true,
		Receipt: Receipt{Result: Failed, Detail: Brief("not done before the agent stopped: " + a.Error)},
	}})
	if !again && d.incident.State != Escalated {
		d.record(d.end(Escalated, ReasonInDoubt, "cannot tell why "+intent.What.String()+" did not happen; it is not tried again"))
	}
}

// probed takes one answer of the probes.
func (d *decision) probed(observations []Observation) {
	i := &d.incident
	if i.State != Verifying && i.State != Escalated {
		return
	}
	if i.State == Verifying && d.now.Since(i.Watch.Started) < i.Playbook.Verify.Settle {
		return
	}
	if i.Watch == nil || changed(i.Watch.Last, observations) {
		d.record(Event{Type: IncidentProbed, Probed: &Probed{Observations: observations}})
	}
	if i.State == Escalated {
		d.recovered()
		return
	}
	if outcome, detail := i.Watch.judge(i.Playbook.Verify, d.now); outcome != "" {
		d.record(Event{Type: VerifyFinished, Verified: &Verified{
			Rung: i.Rung, Outcome: outcome, Observations: observations, Detail: detail,
		}})
	}
}

// recovered ends an incident that people have once it is healthy for its window
// and the alert is gone.
func (d *decision) recovered() {
	i := &d.incident
	if i.Watch.Worst == Healthy && !i.Firing && i.Intent == nil && d.now.Since(i.Watch.Since) >= i.Playbook.Verify.Window {
		d.record(d.end(Cleared, ReasonHealthy, "healthy again, and the alert is gone"))
	}
}

// judge says what the probes have shown: the same answer for a whole window
// decides. Healthy that did not last is not fixed; unknown decides nothing until
// the verification's own end.
func (w *Watch) judge(v Verify, now Instant) (Outcome, string) {
	same := now.Since(w.Since)
	over := now.Since(w.Started) >= v.Within
	switch {
	case w.Worst == Healthy && same >= v.Window:
		return Fixed, fmt.Sprintf("healthy for %s", v.Window)
	case w.Broke && w.Worst == Unhealthy:
		return NotFixed, "healthy for a moment only; " + worstDetail(w.Last)
	case w.Worst == Unhealthy && (same >= v.Window || over):
		return NotFixed, worstDetail(w.Last)
	case w.Worst == Unknown && over:
		return Inconclusive, "the probes could not tell: " + worstDetail(w.Last)
	}
	return "", ""
}

// worstDetail names the first probe that is not healthy and what it saw.
func worstDetail(observations []Observation) string {
	worst := Worst(observations)
	for _, o := range observations {
		if o.Health == worst {
			return Brief(o.Probe + ": " + o.Detail)
		}
	}
	return ""
}

// changed reports whether any probe gives another answer than before.
func changed(before, after []Observation) bool {
	return !slices.EqualFunc(before, after, func(a, b Observation) bool {
		return a.Probe == b.Probe && a.Health == b.Health
	})
}

// probeIn is how long until the probes are asked again: at once in a
// verification that has not asked yet.
func (i *Incident) probeIn(now Instant) time.Duration {
	if len(i.Watch.Last) == 0 && now.Since(i.Watch.Started) <= i.Playbook.Verify.Settle {
		return 0
	}
	return i.Playbook.Verify.Every
}

// Intruder is why nothing more may be tried after the rung that was just
// climbed: somebody else took a step of it back.
func (i *Incident) Intruder() Reason {
	rung := i.climbing()
	if rung == nil {
		return ""
	}
	for _, receipt := range rung.Results {
		if receipt.Result == Canceled {
			return ReasonPersonAtWork
		}
	}
	return ""
}

// unfinished says what an incident was at when its deadline came.
func (i *Incident) unfinished() string {
	switch {
	case i.Intent != nil:
		return "its deadline came during " + i.Intent.What.String()
	case i.State == Waiting && i.Wait != nil:
		return "its deadline came while it waited: " + string(i.Wait.Reason)
	}
	return "its deadline came while it was " + string(i.State)
}

// said does what a person asks, or says why that does not fit.
func (d *decision) said(s Said) error {
	i := &d.incident
	if !i.State.Live() {
		return fmt.Errorf("cannot %s incident %s: it is over (%s)", s.Verb, i.ID, i.State)
	}
	switch s.Verb {
	case PersonCloses:
		if i.Intent != nil {
			return fmt.Errorf("cannot close incident %s: %s is under way; try again when it has ended", i.ID, i.Intent.What)
		}
		d.endBy(Closed, ReasonClosed, s)
	case PersonResumes:
		if i.State != Escalated || i.Intent != nil {
			return fmt.Errorf("cannot resume incident %s: it is %s; only one that was escalated, with no step under way, can be handed back", i.ID, i.State)
		}
		d.record(Event{Type: IncidentAnswered, Answered: &Answered{Verb: s.Verb, By: s.By, Comment: s.Comment}})
	case PersonApproves, PersonDenies:
		return d.answeredHold(s)
	default:
		return fmt.Errorf("cannot %q incident %s: no such verb", s.Verb, i.ID)
	}
	return nil
}

// answeredHold is a person's yes or no to the plan that waits for it.
func (d *decision) answeredHold(s Said) error {
	if d.incident.State != Held {
		return fmt.Errorf("cannot %s incident %s: it is %s and waits for no answer", s.Verb, d.incident.ID, d.incident.State)
	}
	if s.Verb == PersonDenies {
		d.endBy(Declined, ReasonDenied, s)
		return nil
	}
	d.record(Event{Type: IncidentAnswered, Answered: &Answered{Verb: s.Verb, By: s.By, Comment: s.Comment}})
	d.next = &Effect{WantLook, d.now}
	return nil
}

func (d *decision) endBy(to State, why Reason, s Said) {
	e := d.end(to, why, "")
	e.Ended.By, e.Ended.Comment = s.By, s.Comment
	d.record(e)
}

// clone copies all that an event may change in place.
func (i Incident) clone() Incident {
	i.Tried = slices.Clone(i.Tried)
	for n := range i.Tried {
		i.Tried[n].Results = slices.Clone(i.Tried[n].Results)
	}
	i.Invocations = maps.Clone(i.Invocations)
	if i.Watch != nil {
		watch := *i.Watch
		i.Watch = &watch
	}
	return i
}
