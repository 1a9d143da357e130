package stage

import (
	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// Hold is the time in which an incident may act on something: from its first
// intent to the end of the verification after its last.
type Hold struct {
	By       remediate.ID
	From, To remediate.Instant
}

// WantNoOverlap holds that no two incidents had the same thing at the same time.
func (a *Agent) WantNoOverlap(stories []oncall.Story) {
	a.t.Helper()
	holds := map[remediate.Target][]Hold{}
	for _, story := range stories {
		for on, h := range HeldBy(story) {
			for _, other := range holds[on] {
				if h.From.Before(other.To) && other.From.Before(h.To) {
					a.t.Errorf("incidents %s and %s acted on %s at the same time", h.By, other.By, on)
				}
			}
			holds[on] = append(holds[on], h)
		}
	}
}

// HeldBy is what an incident acted on, and when.
func HeldBy(story oncall.Story) map[remediate.Target]Hold {
	holds := map[remediate.Target]Hold{}
	for _, e := range story.Entries {
		switch s := e.Event.Started; {
		case s != nil:
			h, again := holds[s.What.On]
			if !again {
				h = Hold{By: story.Incident.ID, From: e.At}
			}
			h.To = e.At
			holds[s.What.On] = h
		case e.Type == remediate.VerifyFinished:
			for on, h := range holds {
				h.To = e.At
				holds[on] = h
			}
		}
	}
	return holds
}
