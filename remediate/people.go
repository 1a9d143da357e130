package remediate

import (
	"fmt"
	"slices"
)

// said does what a person asks, or says why that does not fit.
func (d *decision) said(s Said) error {
	i := &d.incident
	if !i.State.Live() {
		return fmt.Errorf("cannot %s incident %s: it is over (%s)", s.Verb, i.ID, i.State)
	}
	switch s.Verb {
	case PersonAcks:
		d.acks(s)
	case PersonComments:
		d.leave = true
		d.answer(s)
	case PersonCloses:
		return d.closes(s)
	case PersonCancels:
		return d.cancels(s)
	case PersonResumes:
		return d.resumes(s)
	case PersonApproves:
		return d.approves(s)
	case PersonDenies:
		return d.denies(s)
	default:
		return fmt.Errorf("cannot %q incident %s: no such verb", s.Verb, i.ID)
	}
	return nil
}

// acks stops the clock for as long as the incident's severity has. What is claimed
// by a silence is heard once, and never in place of a person who said so: else a
// silence would acknowledge for as long as it lasts.
func (d *decision) acks(s Said) {
	i := &d.incident
	d.leave = true
	known := slices.Contains(i.Silences, s.Silence)
	surer := i.Acknowledged.Holds(d.now) && !i.Acknowledged.Claimed
	if s.Claimed && (known || surer) {
		return
	}
	d.record(Event{Type: IncidentAcknowledged, Acknowledged: &Acknowledged{
		By: s.By, Comment: s.Comment, Claimed: s.Claimed, Silence: s.Silence, Mute: s.Mute,
		At: d.now, Until: d.now.Add(i.policy().AckLasts),
	}})
}

// closes ends an incident that a person mended: the probes have to agree, unless
// they are overruled, or there is none.
func (d *decision) closes(s Said) error {
	i := &d.incident
	switch {
	case i.Intent != nil:
		return fmt.Errorf("cannot close incident %s: %s is under way; try again when it has ended", i.ID, i.Intent.What)
	case i.midway(d.now):
		return fmt.Errorf("cannot close incident %s: %s is under way, which nothing holds up half-way; try again when it has ended", i.ID, i.rung().Name)
	case s.Force || len(i.Probes()) == 0:
		d.record(d.endBy(Closed, ReasonClosed, s.answered()))
	case Worst(s.Seen) != Healthy:
		return fmt.Errorf("cannot close incident %s: %s; mend it, or close it all the same with --force", i.ID, notHealthy(s.Seen))
	default:
		d.record(d.endBy(Cleared, ReasonHealthy, s.answered()))
	}
	return nil
}

// notHealthy says what keeps an incident from being called well.
func notHealthy(seen []Observation) string {
	if len(seen) == 0 {
		return "its probes were not asked"
	}
	return fmt.Sprintf("it is %s: %s", Worst(seen), worstDetail(seen))
}

// cancels ends what has not begun, and stops after the step under way what has.
func (d *decision) cancels(s Said) error {
	i := &d.incident
	switch {
	case i.State == Escalated:
		return fmt.Errorf("cannot cancel incident %s: people have it, and nothing more is done; close it, or resume it", i.ID)
	case i.Canceled != nil:
		return fmt.Errorf("cannot cancel incident %s: %s did so already; it ends after the step that is under way", i.ID, i.Canceled.By)
	case i.Intent != nil || i.midway(d.now):
		d.leave = true
		d.answer(s)
	case len(i.Tried) > 0:
		d.record(d.endBy(Escalated, ReasonCanceled, s.answered()))
	default:
		d.record(d.endBy(Closed, ReasonCanceled, s.answered()))
	}
	return nil
}

// resumes hands an incident back to the agent.
func (d *decision) resumes(s Said) error {
	i := &d.incident
	if i.State != Escalated || i.Intent != nil {
		return fmt.Errorf("cannot resume incident %s: it is %s; only one that was escalated, with no step under way, can be handed back", i.ID, i.State)
	}
	d.answer(s)
	return nil
}

// approves is a yes to the plan that waits for it, from somebody who may say it.
// One that came too late can be asked for again: a new plan is held anew.
func (d *decision) approves(s Said) error {
	i := &d.incident
	expired := i.State == Escalated && i.Reason == ReasonExpired
	switch rung := i.rung(); {
	case s.Again && !expired:
		return fmt.Errorf("cannot ask again for an approval of incident %s: only one that expired is asked for again, and it is %s", i.ID, i.State)
	case s.Again:
		s.Verb = PersonResumes
		return d.resumes(s)
	case expired:
		return fmt.Errorf("cannot approve incident %s: its plan waited for %s and is too old; plan anew with approve --again", i.ID, ApprovalLasts)
	case i.State != Held:
		return fmt.Errorf("cannot approve incident %s: it is %s and waits for no answer", i.ID, i.State)
	case s.Plan != rung.Digest:
		return fmt.Errorf("cannot approve incident %s: what it would do is not what you saw; look at it again: nightshift show %s", i.ID, i.ID)
	case rung.Risk() > s.Approves:
		return fmt.Errorf("cannot approve incident %s: %q has the risk %s, and %s may approve up to %s; ask somebody who may", i.ID, rung.Name, rung.Risk(), s.By, s.Approves)
	}
	d.answer(s)
	return nil
}

// denies is a no to a plan. It beats a yes for as long as nothing of the rung was
// begun.
func (d *decision) denies(s Said) error {
	i := &d.incident
	pending := i.State == Held || i.State == Acting || i.Approved != "" && (i.State == Open || i.State == Waiting)
	switch {
	case i.State != Held && i.Climbing():
		return fmt.Errorf("cannot deny incident %s: %s has begun; cancel ends it after the step that is under way", i.ID, i.rung().Name)
	case !pending:
		return fmt.Errorf("cannot deny incident %s: it is %s and waits for no answer", i.ID, i.State)
	}
	d.record(d.endBy(Declined, ReasonDenied, s.answered()))
	return nil
}

// answered is what the log keeps of a person's word.
func (s Said) answered() Answered {
	return Answered{Verb: s.Verb, By: s.By, Comment: s.Comment, Proof: s.Proof}
}

func (d *decision) answer(s Said) {
	a := s.answered()
	d.record(Event{Type: IncidentAnswered, Answered: &a})
}

// endBy is the event by which a person ends an incident, or takes it.
func (d *decision) endBy(to State, why Reason, a Answered) Event {
	e := d.end(to, why, "")
	e.Ended.By, e.Ended.Comment, e.Ended.Proof = a.By, a.Comment, a.Proof
	return e
}
