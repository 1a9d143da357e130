package remediate

// because writes into the first event of a decision what it was made of: all of the
// input that its events do not hold.
func (d *decision) because(in Input) {
	if d.broken == nil && len(d.events) > 0 {
		cause := in.without(d.events)
		d.events[0].Cause = &cause
	}
}

// Cause is the input that a decision about an incident was made of, put together
// from its events as the log holds them. ok is false for events of no decision (an incident that opens,
// an alert that joins), and for those of an agent that kept no causes.
func Cause(incident Incident, events []Event) (in Input, ok bool) {
	if len(events) == 0 || events[0].Cause == nil {
		return Input{}, false
	}
	in = events[0].Cause.with(events)
	if l := in.Looked; l != nil && l.Plan.Digest == "" && incident.Plan != nil {
		l.Plan = *incident.Plan // what is planned anew has an event
	}
	return in, true
}

// without is the input without what those events hold, so that the log says nothing
// twice.
func (in Input) without(events []Event) Input {
	held := payloads(events)
	switch {
	case in.Looked != nil:
		looked := *in.Looked
		looked.Plan, looked.Invocations = Plan{}, nil
		if held.planned != nil {
			looked.Observations = nil
		}
		if held.planned != nil || looked.PlanError == "" {
			looked.Seen = nil
		}
		in.Looked = &looked
	case in.Judged != nil:
		in.Judged = &Judgement{}
	case in.Gathered != nil:
		in.Gathered = &Gathered{}
	case in.Prepared != nil:
		in.Prepared = &Prepared{Takes: in.Prepared.Takes, Error: in.Prepared.Error}
	case in.Acted != nil:
		acted := *in.Acted
		acted.Receipt, acted.Invocations = Receipt{}, nil
		in.Acted = &acted
	case in.Probed != nil && held.observed() != nil:
		in.Probed = []Observation{}
	case in.Said != nil:
		said := *in.Said
		said.Proof = nil
		in.Said = &said
	}
	return in
}

// with puts back what without took out.
func (in Input) with(events []Event) Input {
	held := payloads(events)
	switch {
	case in.Looked != nil:
		looked := *in.Looked
		if p := held.planned; p != nil {
			looked.Observations, looked.Seen, looked.Plan, looked.Invocations = p.Observations, p.Seen, p.Plan, p.Invocations
		}
		in.Looked = &looked
	case in.Judged != nil && held.judged != nil:
		in.Judged = &Judgement{held.judged.Verdict, held.judged.Facts}
	case in.Gathered != nil && held.gathered != nil:
		in.Gathered = held.gathered
	case in.Prepared != nil:
		in.Prepared = held.prepared(*in.Prepared)
	case in.Acted != nil && held.finished != nil:
		acted := *in.Acted
		acted.Receipt, acted.Invocations = held.finished.Receipt, held.finished.Invocations
		in.Acted = &acted
	case in.Probed != nil && held.observed() != nil:
		in.Probed = held.observed()
	case in.Said != nil:
		said := *in.Said
		said.Proof = held.proof
		in.Said = &said
	}
	return in
}

// held is what the events of one decision hold of its input.
type held struct {
	planned  *Planned
	judged   *Judged
	gathered *Gathered
	started  *Started
	finished *Finished
	probed   *Probed
	verified *Verified
	proof    *Proof
}

func payloads(events []Event) held {
	var h held
	for _, e := range events {
		take(&h.planned, e.Planned)
		take(&h.judged, e.Judged)
		take(&h.gathered, e.Gathered)
		take(&h.started, e.Started)
		take(&h.finished, e.Finished)
		take(&h.probed, e.Probed)
		take(&h.verified, e.Verified)
		take(&h.proof, e.proof())
	}
	return h
}

// take keeps the first that there is.
func take[T any](kept **T, found *T) {
	if *kept == nil {
		*kept = found
	}
}

// observed is what the probes said, if an event holds it.
func (h held) observed() []Observation {
	switch {
	case h.probed != nil:
		return h.probed.Observations
	case h.verified != nil:
		return h.verified.Observations
	}
	return nil
}

// prepared is an intent's, or that of a step which the gates did not allow.
func (h held) prepared(p Prepared) *Prepared {
	switch {
	case h.started != nil:
		p.Witness, p.Judgement = h.started.Witness, Judgement{Verdict{Decision: Allow}, h.started.Facts}
	case h.judged != nil:
		p.Judgement = Judgement{h.judged.Verdict, h.judged.Facts}
	default: // it was allowed, and something else came in between
		p.Verdict = Verdict{Decision: Allow}
	}
	return &p
}
