package remediate

import (
	"cmp"
	"fmt"
	"slices"

	"nightshift/alerts"
)

// Apply folds one event of the incident into it. An event that can't follow what
// was is an error and changes nothing that matters: the log is damaged, or was
// not written by this code.
func (i *Incident) Apply(e Event) error {
	switch {
	case e.Opened != nil:
		*i = opened(e)
		return nil
	case e.Joined != nil:
		i.joined(*e.Joined, e.At)
		return nil
	case e.Planned != nil:
		return i.planned(*e.Planned, e.At)
	case e.Judged != nil:
		return i.judged(*e.Judged, e.At)
	case e.Waited != nil:
		i.Wait, i.Verdict = e.Waited, nil
		return i.move(Waiting, e.At)
	case e.Gathered != nil:
		i.Gathered = true
		return nil
	case e.Started != nil:
		return i.started(*e.Started, e.At)
	case e.Finished != nil:
		return i.finished(*e.Finished)
	case e.Watched != nil:
		i.Watch = &Watch{Started: e.At, Only: e.Watched.Only}
		i.Verdict, i.Wait = nil, nil
		return i.move(Verifying, e.At)
	case e.Probed != nil:
		i.probed(e.Probed.Observations, e.At)
		return nil
	case e.Verified != nil:
		return i.verified(*e.Verified, e.At)
	case e.Answered != nil:
		return i.answered(*e.Answered, e.At)
	case e.Acknowledged != nil:
		i.acknowledged(*e.Acknowledged)
		return nil
	case e.Paged != nil:
		i.paged(*e.Paged, e.At)
		return nil
	case e.Ended != nil:
		return i.ended(*e.Ended, e.At)
	}
	return fmt.Errorf("cannot apply event %q of incident %s: it says nothing that is known", e.Type, e.Incident)
}

func opened(e Event) Incident {
	o := e.Opened
	i := Incident{
		ID: e.Incident, State: Open, Playbook: o.Playbook, Target: o.Target,
		Alert: o.Alert, Firing: o.Alert.Firing(), Heard: e.At, Received: o.Received, Truncated: o.Truncated, WatchOnly: o.WatchOnly, Follows: o.Follows, Asked: o.Asked,
		OpenedAt: e.At, Since: e.At, LiveSince: e.At, Severity: cmp.Or(o.Severity, DefaultSeverity), Escalation: o.Escalation,
	}
	switch {
	case o.Asked != nil:
		i.Firing = true // what was asked for is wanted until it is done
	case i.Firing:
		i.Holds = []alerts.Fingerprint{o.Alert.Fingerprint}
	}
	if o.Waits != "" {
		i.State, i.Wait = Waiting, &Waited{Reason: ReasonTargetTaken, On: o.Waits}
	}
	return i
}

// joined hears of an alert of its own; others only hang on it.
func (i *Incident) joined(j Joined, at Instant) {
	if j.Hangs || j.Doubted {
		return
	}
	i.Holds = slices.DeleteFunc(i.Holds, func(f alerts.Fingerprint) bool { return f == j.Alert.Fingerprint })
	if j.Alert.Firing() {
		i.Holds = append(i.Holds, j.Alert.Fingerprint)
	}
	i.Firing, i.Heard = len(i.Holds) > 0 || i.Asked != nil, at
}

func (i *Incident) planned(p Planned, at Instant) error {
	if i.begun() {
		return fmt.Errorf("cannot plan incident %s anew: it has acted", i.ID)
	}
	i.Plan, i.Rung, i.Step, i.Wait, i.Verdict = &p.Plan, 0, 0, nil, nil
	for on, invocation := range p.Invocations {
		if _, known := i.Invocations[on]; !known {
			i.know(on, invocation) // a start since the first look may be a person's
		}
	}
	if next := i.rung(); next == nil || i.Approved != next.Digest {
		i.Approved = ""
	}
	return i.move(Open, at)
}

func (i *Incident) judged(j Judged, at Instant) error {
	verdict := j.Verdict
	i.Verdict, i.Wait = &verdict, nil
	switch verdict.Decision {
	case Allow:
		return i.move(Acting, at)
	case Wait:
		i.Wait = &Waited{Reason: verdict.Reason, Until: verdict.Until, On: verdict.On}
		return i.move(Waiting, at)
	case Hold:
		return i.move(Held, at)
	}
	if i.State == Waiting { // for nothing any more
		return i.move(Open, at)
	}
	return nil
}

func (i *Incident) started(s Started, at Instant) error {
	if i.Intent != nil {
		return fmt.Errorf("cannot start a step of incident %s: another is not finished", i.ID)
	}
	if _, more := i.NextStep(); !more || s.Rung != i.Rung || s.Step != i.Step {
		return fmt.Errorf("cannot start a step of incident %s: step %d of rung %d is not next", i.ID, s.Step, s.Rung)
	}
	if i.climbing() == nil {
		i.Tried = append(i.Tried, Tried{Rung: i.Rung, Name: i.rung().Name, Started: at})
	}
	i.Intent = &s
	return i.move(Acting, at)
}

func (i *Incident) finished(f Finished) error {
	if i.Intent == nil {
		return fmt.Errorf("cannot finish a step of incident %s: none was started", i.ID)
	}
	intent := *i.Intent
	i.Intent, i.Retry, i.Doubt = nil, f.NotDone, f.Doubt
	if f.NotDone {
		return nil
	}
	i.Step++
	if rung := i.rung(); f.Receipt.Result != Done && rung != nil {
		i.Step = rung.afterFailure(f.Step)
		i.Skip = i.Step == len(rung.Steps)
	}
	anew := map[Target]bool{}
	for other, invocation := range f.Invocations {
		anew[other] = i.Invocations[other] != invocation
		i.know(other, invocation)
	}
	if f.Receipt.Result == TimedOut {
		for _, on := range append(intent.Takes, intent.What.Touches()...) {
			delete(i.Invocations, on) // the start that comes late is ours
		}
	}
	rung := &i.Tried[len(i.Tried)-1] // that of the intent, also when people have it by now
	rung.Results = append(rung.Results, f.Receipt)
	if f.Receipt.Result == Done {
		i.passOver(intent, anew)
	}
	return nil
}

// know remembers an invocation as one that nobody else started.
func (i *Incident) know(on Target, invocation string) {
	if i.Invocations == nil {
		i.Invocations = map[Target]string{}
	}
	i.Invocations[on] = invocation
}

// probed folds a change of what the probes say.
func (i *Incident) probed(observations []Observation, at Instant) {
	if i.Watch == nil {
		i.Watch = &Watch{Started: at}
	}
	w := i.Watch
	worst := Worst(observations)
	if len(w.Last) == 0 || worst != w.Worst {
		w.Broke = w.Broke || len(w.Last) > 0 && w.Worst == Healthy && worst == Unhealthy
		w.Since = at
	}
	w.Last, w.Worst = observations, worst
}

// verified ends the verification; where another rung is left and may be tried,
// the incident is open again with that rung next.
func (i *Incident) verified(v Verified, at Instant) error {
	if i.State != Verifying || i.Watch == nil {
		return fmt.Errorf("cannot end a verification of incident %s: none is running", i.ID)
	}
	i.Watch.Outcome, i.Watch.Detail = v.Outcome, v.Detail
	next := i.Rung
	if rung := i.climbing(); rung != nil {
		rung.Outcome, rung.Ended = v.Outcome, at
		next++
	}
	climb := v.Outcome == NotFixed && i.Watch.Only == "" && i.Plan != nil && next < len(i.Plan.Rungs)
	if !climb {
		return nil
	}
	i.Rung, i.Step, i.Skip, i.Retry, i.Watch, i.Approved = next, 0, false, false, nil, ""
	return i.move(Open, at)
}

func (i *Incident) answered(a Answered, at Instant) error {
	switch {
	case a.Verb == PersonComments && i.State.Live():
		return nil
	case a.Verb == PersonCancels && i.State.Live() && i.State != Escalated:
		i.Canceled = &a
		return nil
	case a.Verb == PersonApproves && i.State == Held:
		i.Approved, i.ApprovedAt = i.rung().Digest, at
	case a.Verb == PersonResumes && i.State == Escalated && i.Intent == nil:
		i.LiveSince, i.Watch, i.Reason, i.Detail = at, nil, "", ""
		i.Acknowledged, i.Page, i.Quiet = nil, nil, false
		i.Plan, i.Approved, i.Invocations = nil, "", nil
		i.Rung, i.Step, i.Skip, i.Retry, i.Gathered, i.Doubt = 0, 0, false, false, false, ""
	default:
		return fmt.Errorf("cannot apply the answer %q to incident %s", a.Verb, i.ID)
	}
	i.Verdict, i.Wait = nil, nil
	return i.move(Open, at)
}

func (i *Incident) ended(e Ended, at Instant) error {
	i.Page, i.Quiet, i.Canceled = nil, e.Quiet, nil
	if e.State == Escalated {
		i.Page = &Page{Since: at, Level: -1}
		if !i.Acknowledged.Holds(at) {
			i.Acknowledged = nil
		}
	}
	i.Reason, i.Detail, i.By, i.Comment = e.Reason, e.Detail, e.By, e.Comment
	i.Verdict, i.Wait, i.Watch = nil, nil, nil
	if rung := i.climbing(); rung != nil {
		rung.Ended = at
	}
	return i.move(e.State, at)
}
