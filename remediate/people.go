package remediate

import "fmt"

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
		if i.midway(d.now) {
			return fmt.Errorf("cannot close incident %s: %s is under way, which nothing holds up half-way; try again when it has ended", i.ID, i.rung().Name)
		}
		d.endBy(Closed, ReasonClosed, s)
	case PersonResumes:
		if i.State != Escalated || i.Intent != nil {
			return fmt.Errorf("cannot resume incident %s: it is %s; only one that was escalated, with no step under way, can be handed back", i.ID, i.State)
		}
		d.answer(s)
	case PersonApproves, PersonDenies:
		return d.answerHold(s)
	default:
		return fmt.Errorf("cannot %q incident %s: no such verb", s.Verb, i.ID)
	}
	return nil
}

// answerHold is a person's yes or no to the plan that waits for it.
func (d *decision) answerHold(s Said) error {
	if d.incident.State != Held {
		return fmt.Errorf("cannot %s incident %s: it is %s and waits for no answer", s.Verb, d.incident.ID, d.incident.State)
	}
	if s.Verb == PersonDenies {
		d.endBy(Declined, ReasonDenied, s)
		return nil
	}
	if rung := d.incident.rung(); s.Plan != rung.Digest {
		return fmt.Errorf("cannot approve incident %s: what it would do is not what you saw; look at it again: nightshift show %s", d.incident.ID, d.incident.ID)
	}
	d.answer(s)
	return nil
}

func (d *decision) answer(s Said) {
	d.record(Event{Type: IncidentAnswered, Answered: &Answered{Verb: s.Verb, By: s.By, Comment: s.Comment}})
}

func (d *decision) endBy(to State, why Reason, s Said) {
	e := d.end(to, why, "")
	e.Ended.By, e.Ended.Comment = s.By, s.Comment
	d.record(e)
}
