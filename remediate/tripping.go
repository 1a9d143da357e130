package remediate

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Record is what became of a playbook's incidents.
type Record struct {
	// Ended counts them by how each ended, and those that people got.
	Ended map[State]int `json:"ended,omitzero"`
	// ByPeople counts those that it only observed, and that people then ended by what
	// it had planned.
	ByPeople int `json:"byPeople,omitzero"`
}

// Lowering says that a playbook has to be taken one level down, and why.
type Lowering struct {
	Playbook string `json:"playbook"`
	Why      string `json:"why"`
}

// outcomeOf is what an attempt came to. What people ended, or were at work on, is
// neither a success nor a failure of ours; what was never verified is no success.
func outcomeOf(i *Incident, e Event) Outcome {
	switch {
	case e.Verified != nil && (i.Watch == nil || i.Watch.Only == ""):
		return e.Verified.Outcome
	case e.Ended != nil && (e.Ended.Reason == ReasonInDoubt || e.Ended.Reason == ReasonDeadline):
		return Inconclusive
	}
	return ""
}

// ends notes what the end of an incident, or its handing over, says of its playbook.
func (l *Ledger) ends(i *Incident, e Event) {
	if e.Ended == nil {
		return
	}
	record := l.Records[i.Playbook.Name]
	record.Ended = maps.Clone(record.Ended)
	put(&record.Ended, e.Ended.State, record.Ended[e.Ended.State]+1)
	put(&l.Records, i.Playbook.Name, record)
	if e.Ended.State == Escalated && !e.Ended.Quiet {
		put(&l.Told, e.Ended.Reason, e.At)
	}
	if lowers(i, *e.Ended) {
		l.lower(i.ID, Lowering{i.Playbook.Name, fmt.Sprintf("incident %s was handed to people: %s", i.ID, e.Ended.Reason)})
	}
}

// lowers reports whether what was handed over is a failure of the playbook's.
func lowers(i *Incident, e Ended) bool {
	failed := e.Reason == ReasonExhausted || e.Reason == ReasonInconclusive || e.Reason == ReasonInDoubt
	return e.State == Escalated && failed && len(i.Tried) > 0 && i.Asked == nil
}

func (l *Ledger) lower(id ID, why Lowering) {
	if l.Autonomy[why.Playbook].Incident != id {
		put(&l.Lowers, id, why)
	}
}

// breakerOpened folds a breaker. That of a playbook takes it a level down, once with
// the incident that was the last straw.
func (l *Ledger) breakerOpened(b Breaker) {
	put(&l.Breakers, b.Key(), b)
	if b.Playbook != "" {
		l.lower(b.Incident, Lowering{b.Playbook, "its breaker opened: " + b.Why})
	}
}

// breakerClosed forgives what failed before.
func (l *Ledger) breakerClosed(key BreakerKey, at Instant) {
	delete(l.Breakers, key)
	put(&l.Closed, key, at)
	for n := range l.Attempts {
		a := &l.Attempts[n]
		if a.Ended.IsZero() {
			continue // it is not known yet what it comes to
		}
		a.Forgiven = a.Forgiven || Breaker{On: a.On}.Key() == key
		a.PlaybookForgiven = a.PlaybookForgiven || Breaker{Playbook: a.Playbook}.Key() == key
	}
}

// Failures is how many incidents' attempts came to nothing, the newest first, until
// two that succeeded stand in a row: one success among failures says little. An
// incident counts once, by its last attempt: that the first rungs of a ladder do not
// mend what the next one does is what ladders are for. Those of incidents that are
// not over count only then, so that no ladder is cut short by its own first rungs.
func (l *Ledger) Failures(on Target, playbook string, per time.Duration, now Instant) (failed int, last ID) {
	successes := 0
	counted := map[ID]bool{}
	for _, a := range slices.Backward(l.Attempts) {
		switch {
		case l.Elapsed(a.At, now) >= per:
			return failed, last
		case counted[a.Incident]:
			continue
		case playbook != "" && (a.Playbook != playbook || a.PlaybookForgiven):
			continue
		case playbook == "" && (a.On != on || a.Forgiven):
			continue
		case a.Ended.IsZero() || a.Outcome == "" || l.atIt(a.Incident):
			continue
		}
		counted[a.Incident] = true
		if a.Outcome == Fixed {
			if successes++; successes == 2 {
				return failed, last
			}
			continue
		}
		successes = 0
		if failed++; last == "" {
			last = a.Incident
		}
	}
	return failed, last
}

// atIt reports whether an incident is climbing its ladder.
func (l *Ledger) atIt(id ID) bool {
	i := l.Incidents[id]
	return i != nil && i.State.Live() && i.State != Escalated
}
