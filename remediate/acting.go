package remediate

import "time"

// doubtLasts is the pause before the world is asked again whether a step
// happened.
const doubtLasts = 2 * time.Second

// judged takes the gates' answer about the next rung.
func (d *decision) judged(j Judgement) {
	if i := &d.incident; i.Plan != nil && (i.State == Open || i.State == Waiting) {
		d.verdict(j, false)
	}
}

// verdict records an answer of the gates. One that the incident waits for already
// is not recorded again: a log must not grow while nothing happens.
func (d *decision) verdict(j Judgement, beforeEffect bool) {
	i, v := &d.incident, j.Verdict
	if v.Decision == Wait && i.State == Waiting && i.Wait.Reason == v.Reason && i.Wait.On == v.On {
		if v.On == "" {
			d.next = &Effect{WantLook, v.Until}
		}
		return
	}
	d.record(Event{Type: IncidentJudged, Judged: &Judged{
		Rung: i.Rung, Step: i.Step, BeforeEffect: beforeEffect, Verdict: v, Facts: j.Facts,
	}})
	if v.Decision == Wait && v.On == "" && i.Due(d.now).Before(v.Until) {
		d.record(d.end(Escalated, v.Reason, v.Detail+"; that is after its deadline"))
	}
}

func (d *decision) gathered(g Gathered) {
	if d.incident.State == Acting && !d.incident.Gathered {
		d.record(Event{Type: EvidenceGathered, Gathered: &g})
	}
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
		d.record(d.end(Escalated, ReasonInDoubt, "cannot prepare "+step.String()+": "+p.Error))
	default:
		d.record(Event{Type: StepStarted, Started: &Started{
			Rung: i.Rung, Step: i.Step, What: step, PlanDigest: i.Plan.Digest,
			Takes: p.Takes, Witness: p.Witness, Again: i.Retry, Facts: p.Facts,
		}})
	}
}

// acted takes what came of a step, also when people have the incident by then.
func (d *decision) acted(a Acted) {
	i := &d.incident
	switch {
	case i.Intent == nil:
	case a.InDoubt && i.State != Escalated && !d.endless() && (Verbs[i.Intent.What.Do].RepeatSafe || !a.Recovered):
		d.next = &Effect{WantReconcile, d.now.Add(doubtLasts)}
	case a.InDoubt:
		d.doubted(a)
	case a.NotDone && (a.Recovered || a.Withheld):
		d.notDone(a)
	case a.NotDone:
		d.finished(a, Finished{Receipt: Receipt{Result: Failed, Detail: Brief(a.Error), Took: a.Receipt.Took}})
	default:
		d.finished(a, Finished{Receipt: a.Receipt})
		d.lookAfter(a)
	}
}

// lookAfter asks for a look before the rung goes on whose step was found done after
// a crash: nobody watched meanwhile. Half-way through nothing is waited for.
func (d *decision) lookAfter(a Acted) {
	if i := &d.incident; a.Recovered && i.State == Acting && !i.midway(d.now) {
		d.next = &Effect{WantLook, d.now}
	}
}

// endless reports whether a step that nothing may hold up is in doubt for longer
// than all of its rung may take.
func (d *decision) endless() bool {
	i := &d.incident
	rung := i.rung()
	return rung != nil && rung.Bound(len(rung.Steps)) && !i.midway(d.now)
}

// finished records what came of the intent.
func (d *decision) finished(a Acted, f Finished) {
	f.Rung, f.Step = d.incident.Intent.Rung, d.incident.Intent.Step
	f.Invocations, f.Recovered = a.Invocations, a.Recovered
	d.record(Event{Type: StepFinished, Finished: &f})
}

// doubted gives up to find out whether a step happened: people do, and what it
// touched is free again.
func (d *decision) doubted(a Acted) {
	detail := Brief("it can't be told whether " + d.incident.Intent.What.String() + " happened: " + a.Error)
	d.finished(a, Finished{Receipt: Receipt{Result: TimedOut, Detail: detail, Took: a.Receipt.Took}, Doubt: detail})
}

// notDone handles a step that certainly did not happen though it had begun: once
// more, after another look, if a second time does no more harm than the first;
// else people decide.
func (d *decision) notDone(a Acted) {
	intent := *d.incident.Intent
	f := Finished{NotDone: true, Receipt: Receipt{Result: Failed, Detail: Brief("it did not happen: " + a.Error)}}
	if !Verbs[intent.What.Do].RepeatSafe || intent.Again {
		f.Doubt = intent.What.String() + " did not happen, and it is not tried again"
	}
	a.Invocations = nil // whatever was started meanwhile is not ours
	d.finished(a, f)
	if d.incident.State != Escalated && f.Doubt == "" {
		d.next = &Effect{WantLook, d.now}
	}
}
