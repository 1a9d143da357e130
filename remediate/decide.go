package remediate

import (
	"slices"
	"strings"
)

// Decide is the life of an incident: what is to be recorded because of an input,
// and what is wanted next once that is durable. It asks nothing of the world and
// changes nothing: the incident it is given stays as it is.
//
// A nil error with no events is an input that changes nothing. The error says
// that a person's verb does not fit the incident, in words for that person.
func Decide(incident Incident, in Input, now Instant) ([]Event, Effect, error) {
	d := decision{incident: incident.Clone(), now: now}
	d.settle() // so that an input that comes late meets what is true by now
	if err := d.react(in); err != nil {
		return nil, Effect{}, err
	}
	d.settle()
	if d.broken != nil {
		return nil, Effect{}, d.broken
	}
	d.because(in)
	return d.events, d.want(), nil
}

// decision is one call of Decide under way: the incident as the events so far
// make it.
type decision struct {
	incident Incident
	now      Instant
	events   []Event
	// next is what the reaction itself wants, where the state does not tell.
	next *Effect
	// leave is whether the input disturbs nothing that is under way.
	leave  bool
	broken error
}

// record adds an event and folds it, so that what follows sees it. What a
// reaction wanted before does not fit the incident any more.
func (d *decision) record(e Event) {
	if d.broken != nil {
		return
	}
	e.Incident, e.At, d.next = d.incident.ID, d.now, nil
	if err := d.incident.Apply(e); err != nil {
		d.broken = err
		return
	}
	d.events = append(d.events, e)
}

func (d *decision) react(in Input) error {
	switch {
	case in.Said != nil:
		return d.said(*in.Said)
	case !d.incident.State.Live():
	case in.Woken && d.incident.State == Escalated:
		d.leave = true // it was for a page
	case in.WentBack:
		d.wentBack()
	case in.Look:
		d.lookNow()
	case in.Again:
		d.comeBack()
	case in.Looked != nil:
		d.looked(*in.Looked)
	case in.Judged != nil:
		d.judged(*in.Judged)
	case in.Gathered != nil:
		d.gathered(*in.Gathered)
	case in.Prepared != nil:
		d.prepared(*in.Prepared)
	case in.Acted != nil:
		d.acted(*in.Acted)
	case in.Probed != nil:
		d.probed(in.Probed)
	}
	return nil
}

// settle records all that follows from what is known, without asking the world:
// after a crash between two events it finds the second one.
func (d *decision) settle() {
	for d.broken == nil && d.incident.State.Live() {
		e, ok := d.follows()
		if !ok {
			return
		}
		d.record(e)
	}
}

// follows is the one event that the incident's present state calls for.
func (d *decision) follows() (Event, bool) {
	i := &d.incident
	switch {
	case i.State == Escalated:
		return d.pages()
	case i.Overdue(d.now):
		return d.end(Escalated, i.lateReason(), i.unfinished()), true
	case i.Doubt != "":
		return d.end(Escalated, ReasonInDoubt, i.Doubt), true
	case i.Canceled != nil && i.Intent == nil && !i.midway(d.now):
		return d.endBy(Escalated, ReasonCanceled, *i.Canceled), true
	case i.Verdict != nil && i.Verdict.Decision == Refuse:
		return d.refused(*i.Verdict), true
	}
	switch i.State {
	case Open, Waiting:
		return d.hopeless()
	case Held:
		if d.now.Since(i.Since) >= ApprovalLasts {
			return d.end(Escalated, ReasonExpired, "nobody approved the plan in time"), true
		}
	case Acting:
		return d.stops()
	case Verifying:
		return d.verified()
	}
	return Event{}, false
}

// pages tells people, when it is time to.
func (d *decision) pages() (Event, bool) {
	paged, due := d.incident.PageDue(d.now)
	return Event{Type: IncidentPaged, Paged: &paged}, due
}

// hopeless is the end of an incident about which nothing can be done.
func (d *decision) hopeless() (Event, bool) {
	i := &d.incident
	switch {
	case i.Target.IsZero():
		return d.end(Escalated, ReasonUnknownTarget, "the inventory does not name what the alert is about"), true
	case i.State == Open && i.Plan != nil && len(i.Plan.Rungs) == 0:
		return d.end(d.giveUp(), ReasonNoPlan, noPlan(i.Plan)), true
	}
	return Event{}, false
}

// giveUp is where an incident goes that can't begin: to people, or back to the one
// who asked, unless an alert has joined it since.
func (d *decision) giveUp() State {
	if d.incident.Asked != nil && len(d.incident.Holds) == 0 {
		return Closed
	}
	return Escalated
}

// noPlan says why a plan has no rung.
func noPlan(p *Plan) string {
	if len(p.LeftOut) > 0 {
		return "nothing can be done: " + strings.Join(p.LeftOut, "; ")
	}
	return "no rung of the ladder has anything to act on"
}

// stops ends the acting on a rung: all of it was tried, or the alert is gone while
// the first rung is next or under way, so that nothing that has not begun may begin.
func (d *decision) stops() (Event, bool) {
	i := &d.incident
	_, more := i.NextStep()
	switch {
	case i.Intent != nil, more && (i.Firing || i.Rung > 0 || i.midway(d.now)):
		return Event{}, false
	case !more && i.Asked != nil && len(i.Plan.Probes) == 0:
		return d.done(), true
	case !more || i.climbing() != nil:
		return Event{Type: VerifyStarted, Watched: &Watched{Rung: i.Rung, Only: i.Intruder()}}, true
	}
	return Event{Type: IncidentWaiting, Waited: &Waited{Reason: ReasonAlertGone, Until: i.Due(d.now)}}, true
}

// done ends what a person asked for and no probe can tell of: by its receipts. The
// person hears of a failure, and nobody is woken for it.
func (d *decision) done() Event {
	for _, receipt := range d.incident.climbing().Results {
		if receipt.Result != Done {
			return d.end(Closed, ReasonFailed, receipt.Detail)
		}
	}
	return d.end(Resolved, ReasonDone, "done as "+d.incident.Asked.By+" asked")
}

// refused is where a refusal leads. Once a step was done, nothing ends quietly.
func (d *decision) refused(v Verdict) Event {
	switch {
	case v.Next == Verifying:
		return Event{Type: VerifyStarted, Watched: &Watched{Rung: d.incident.Rung, Only: v.Reason}}
	case len(d.incident.Tried) > 0:
		return d.end(Escalated, v.Reason, v.Detail) // half done is never told of with others
	case v.Next == Escalated:
		e := d.end(d.giveUp(), v.Reason, v.Detail)
		e.Ended.Quiet = v.Quiet && e.Ended.State == Escalated
		return e
	}
	return d.end(v.Next, v.Reason, v.Detail)
}

// verified is what follows from the outcome of a verification.
func (d *decision) verified() (Event, bool) {
	i, w := &d.incident, d.incident.Watch
	switch w.Outcome {
	case Fixed:
		if w.Only != "" || !i.hasActed() {
			return d.end(Cleared, ReasonHealthy, w.Detail+", not by an act of ours"), true
		}
		return d.end(Resolved, ReasonFixed, w.Detail), true
	case Inconclusive:
		return d.end(Escalated, ReasonInconclusive, w.Detail), true
	case NotFixed:
		if w.Only != "" {
			return d.end(Escalated, w.Only, w.Detail), true
		}
		return d.end(Escalated, ReasonExhausted, "the last rung did not fix it: "+w.Detail), true
	}
	return Event{}, false
}

// end is the event that hands an incident to people or ends it.
func (d *decision) end(to State, why Reason, detail string) Event {
	i := &d.incident
	if to == Escalated && i.WatchOnly && !i.hasActed() && slices.Contains(Transitions[i.State], Observed) {
		to = Observed // who only observes wakes nobody
	}
	kind := IncidentEnded
	if to == Escalated {
		kind = IncidentEscalated
	}
	return Event{Type: kind, Ended: &Ended{State: to, Reason: why, Detail: Brief(detail)}}
}
