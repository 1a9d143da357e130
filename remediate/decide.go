package remediate

// Input is one thing that reached an incident. Exactly one field is set.
type Input struct {
	// Woken says that a time has come, or that the agent has just started.
	Woken bool
	// Look says that something changed that makes it worth looking at once: the
	// alert, or the end of the incident it waited for.
	Look bool
	// Again begins a running verification anew: nobody watched for a while.
	Again bool
	// Looked answers WantLook.
	Looked *Looked
	// Judged answers WantJudge.
	Judged *Judgement
	// Gathered answers WantGather.
	Gathered *Gathered
	// Prepared answers WantPrepare.
	Prepared *Prepared
	// Acted answers WantAct and WantReconcile.
	Acted *Acted
	// Probed answers WantProbe.
	Probed []Observation
	// Said is what a person wants.
	Said *Said
}

// Looked is what was seen when an incident was looked at.
type Looked struct {
	// Observations are those of the verification's probes first, then of
	// whatever else the plan was made of.
	Observations []Observation
	// Verify counts the observations that are the verification's.
	Verify int
	// Plan is what could be done; PlanError says why none can be made.
	Plan      Plan
	PlanError string
	// Invocations are those of what the plan may touch.
	Invocations map[Target]string
}

// Judgement is an answer of the gates with what they knew.
type Judgement struct {
	Verdict Verdict
	Facts   RawJSON
}

// Prepared is all that is needed to write an intent.
type Prepared struct {
	// Verdict is the gates' answer directly before the effect.
	Judgement
	Witness Witness
	// Error says that the witness could not be read, so nothing may be done.
	Error string
}

// Acted is what came of a step.
type Acted struct {
	// Receipt is what the world said, if anything.
	Receipt Receipt
	// NotDone says that it has certainly not happened, InDoubt that it can't be
	// told; Error says why.
	NotDone bool
	InDoubt bool
	Error   string
	// Invocations are those of what the plan may touch, read just afterwards.
	Invocations map[Target]string
	// Recovered is whether it was read from the world after a crash.
	Recovered bool
}

// Said is a person's verb.
type Said struct {
	Verb    string
	By      string
	Comment string
}

// The verbs that end an incident.
const (
	PersonCloses = "close"
	PersonDenies = "deny"
)

// Want is what an incident wants of the world next.
type Want string

// The wants.
const (
	WantNothing   Want = "nothing"   // it is over
	WantLook      Want = "look"      // ask the probes, make a plan
	WantJudge     Want = "judge"     // ask the gates about the rung
	WantGather    Want = "gather"    // take the evidence
	WantPrepare   Want = "prepare"   // read the witness, ask the gates about the step
	WantAct       Want = "act"       // do the step whose intent is durable
	WantReconcile Want = "reconcile" // find out whether that step happened
	WantProbe     Want = "probe"     // ask the probes
	WantRest      Want = "rest"      // be woken at a time
)

// Effect is what an incident wants next, and when. An incident has one effect at
// a time; what reaches it in between replaces it, unless it is acting.
type Effect struct {
	Want Want
	At   Instant
}

// Decide is the life of an incident: what is to be recorded because of an input,
// and what is wanted next once that is durable. It asks nothing of the world and
// changes nothing: the incident it is given stays as it is.
//
// A nil error with no events is an input that changes nothing. The error says
// that a person's verb does not fit the incident, in words for that person.
func Decide(incident Incident, in Input, now Instant) ([]Event, Effect, error) {
	d := decision{incident: incident.clone(), now: now}
	if err := d.react(in); err != nil {
		return nil, Effect{}, err
	}
	d.settle()
	if d.broken != nil {
		return nil, Effect{}, d.broken
	}
	return d.events, d.want(), nil
}

// decision is one call of Decide under way: the incident as the events so far
// make it.
type decision struct {
	incident Incident
	now      Instant
	events   []Event
	// next is what the reaction itself wants, where the state does not tell.
	next   *Effect
	broken error
}

// record adds an event and folds it, so that what follows sees it.
func (d *decision) record(e Event) {
	e.Incident, e.At = d.incident.ID, d.now
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
	case in.Look:
		d.lookNow()
	case in.Again:
		d.watchAgain()
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
	if i.State == Escalated {
		return Event{}, false
	}
	if !d.now.Before(i.Due()) {
		return d.end(Escalated, ReasonDeadline, i.unfinished()), true
	}
	if v := i.Verdict; v != nil && v.Decision == Refuse {
		return d.refused(*v), true
	}
	switch i.State {
	case Open, Waiting:
		if i.Target.IsZero() {
			return d.end(Escalated, ReasonUnknownTarget, "the inventory does not name what the alert is about"), true
		}
		if i.State == Open && i.Plan != nil && len(i.Plan.Rungs) == 0 {
			return d.end(Escalated, ReasonNoPlan, "no rung of the ladder has anything to act on"), true
		}
	case Held:
		if i.elapsed(d.now) >= ApprovalLasts {
			return d.end(Escalated, ReasonExpired, "nobody approved the plan in time"), true
		}
	case Acting:
		if _, more := i.NextStep(); !more && i.Intent == nil {
			return Event{Type: VerifyStarted, Watched: &Watched{Rung: i.Rung, Only: i.Intruder()}}, true
		}
	case Verifying:
		return d.verified()
	}
	return Event{}, false
}

// refused is where a refusal leads. Once a step was done, nothing ends quietly.
func (d *decision) refused(v Verdict) Event {
	switch {
	case v.Next == Verifying:
		return Event{Type: VerifyStarted, Watched: &Watched{Rung: d.incident.Rung, Only: v.Reason}}
	case len(d.incident.Tried) > 0:
		return d.end(Escalated, v.Reason, v.Detail)
	}
	return d.end(v.Next, v.Reason, v.Detail)
}

// verified is what follows from the outcome of a verification.
func (d *decision) verified() (Event, bool) {
	w := d.incident.Watch
	switch w.Outcome {
	case Fixed:
		if w.Only == ReasonPersonAtWork || len(d.incident.Tried) == 0 {
			return d.end(Cleared, ReasonHealthy, w.Detail+", by somebody else's act"), true
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
	kind := IncidentEnded
	if to == Escalated {
		kind = IncidentEscalated
	}
	return Event{Type: kind, Ended: &Ended{State: to, Reason: why, Detail: Brief(detail)}}
}

// want is what the incident wants, read off its state, so that a restart finds
// the same without remembering.
func (d *decision) want() Effect {
	i, now := &d.incident, d.now
	switch {
	case i.Intent != nil && d.has(StepStarted):
		return Effect{WantAct, now}
	case i.Intent != nil:
		return d.or(Effect{WantReconcile, now})
	case !i.State.Live():
		return Effect{WantNothing, now}
	case d.next != nil:
		return d.notLater(*d.next)
	}
	return d.notLater(i.wants(now))
}

// wants is what a live incident without an intent wants in its state.
func (i *Incident) wants(now Instant) Effect {
	switch i.State {
	case Open:
		if i.Plan != nil {
			return Effect{WantJudge, now}
		}
		return Effect{WantLook, now}
	case Waiting:
		if i.Wait.On != "" {
			return Effect{WantRest, i.Due()}
		}
		return Effect{WantLook, later(now, i.Wait.Until)}
	case Held:
		return Effect{WantRest, i.Since.Add(ApprovalLasts)}
	case Acting:
		if !i.Gathered {
			return Effect{WantGather, now}
		}
		return Effect{WantPrepare, now}
	case Verifying:
		return Effect{WantProbe, later(now.Add(i.probeIn(now)), i.Watch.Started.Add(i.Playbook.Verify.Settle))}
	case Escalated:
		return Effect{WantProbe, now.Add(escalatedEvery)}
	}
	return Effect{WantNothing, now}
}

// notLater wakes an incident at its deadline, if nothing else does before.
func (d *decision) notLater(e Effect) Effect {
	if d.incident.State != Escalated && d.incident.Due().Before(e.At) {
		return Effect{WantRest, d.incident.Due()}
	}
	return e
}

// or is the effect that the reaction chose, else the one given.
func (d *decision) or(e Effect) Effect {
	if d.next != nil {
		return *d.next
	}
	return e
}

// has reports whether this decision recorded an event of that type.
func (d *decision) has(t EventType) bool {
	for _, e := range d.events {
		if e.Type == t {
			return true
		}
	}
	return false
}

// later is the later of two instants.
func later(a, b Instant) Instant {
	if a.Before(b) {
		return b
	}
	return a
}
