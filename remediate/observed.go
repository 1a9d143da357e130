package remediate

import (
	"cmp"
	"slices"
)

// CarriedOut says that people did themselves what an incident's plan would have done,
// where the agent only observed: how a playbook earns trust before it may act.
type CarriedOut struct {
	Incident ID     `json:"incident"`
	Playbook string `json:"playbook"`
	// On is what they started anew.
	On Target `json:"on"`
}

// Observed are the incidents that ended as observed, whose episode goes on, and of which
// nobody has carried out the plan yet, by their names.
func (l *Ledger) Observed() []*Incident {
	var observed []*Incident
	for id, i := range l.Incidents {
		if _, done := l.CarriedOut[id]; i.State == Observed && !done && len(i.units()) > 0 {
			observed = append(observed, i)
		}
	}
	slices.SortFunc(observed, func(a, b *Incident) int { return cmp.Compare(a.ID, b.ID) })
	return observed
}

// units are those that the incident's plan would start anew.
func (i *Incident) units() []Target {
	if i.Plan == nil {
		return nil
	}
	return slices.DeleteFunc(i.Plan.Touches(), func(t Target) bool { return t.Kind != UnitKind })
}

// CarriedOutBy reports whether people carried out the plan of an incident that was only
// observed, by how the units of its plan stand now: one of them was started anew since
// the plan was made, not by its own keeper, not by an act of ours, and not because the
// host booted, which starts them all.
func (l *Ledger) CarriedOutBy(i *Incident, stand map[Target]Situation, now Instant) (CarriedOut, bool) {
	for _, on := range i.units() {
		s, was := stand[on], i.Invocations[on]
		anew := s.Known && s.Active && s.Restarts == 0 && s.Invocation != "" && was != "" && s.Invocation != was
		if anew && s.Invocation != l.Ours[on] && now.Boot == i.Since.Boot {
			return CarriedOut{i.ID, i.Playbook.Name, on}, true
		}
	}
	return CarriedOut{}, false
}

func (l *Ledger) carriedOut(c CarriedOut) {
	put(&l.CarriedOut, c.Incident, c.On)
	record := l.Records[c.Playbook]
	record.ByPeople++
	put(&l.Records, c.Playbook, record)
}
