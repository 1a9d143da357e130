package main

import (
	"time"

	"nightshift/remediate"
)

// milestones are the moments of one incident from which its times are told; one that
// never came is zero. They mean what the metrics of the same names mean.
type milestones struct {
	// Began is when the alert says that it began, Received when its notification came.
	Began    time.Time         `json:"began,omitzero"`
	Received remediate.Instant `json:"received"`
	// Acted is the first intent.
	Acted remediate.Instant `json:"acted,omitzero"`
	// Wanted is when people were first wanted, for an approval or because it was handed
	// to them, Answered the first word of one since.
	Wanted   remediate.Instant `json:"wanted,omitzero"`
	Answered remediate.Instant `json:"answered,omitzero"`
	// Fixed is when it was found fixed by an act of the agent, Over when it ended.
	Fixed remediate.Instant `json:"fixed,omitzero"`
	Over  remediate.Instant `json:"over,omitzero"`
}

// add folds one event.
func (m *milestones) add(e remediate.Event) {
	switch {
	case e.Opened != nil:
		*m = milestones{Received: e.Opened.Received}
		if m.Received.IsZero() { // a person asked for it
			m.Received = e.At
		}
		if e.Opened.Asked == nil {
			m.Began = e.Opened.Alert.StartsAt
		}
	case e.Started != nil:
		first(&m.Acted, e.At)
	case e.Judged != nil && e.Judged.Verdict.Decision == remediate.Hold:
		first(&m.Wanted, e.At)
	case e.Answered != nil, e.Acknowledged != nil:
		m.heard(e.At)
	case e.Ended != nil:
		m.ended(*e.Ended, e.At)
	}
}

func (m *milestones) ended(end remediate.Ended, at remediate.Instant) {
	switch {
	case end.State == remediate.Escalated:
		first(&m.Wanted, at)
		return
	case end.By != "":
		m.heard(at)
	}
	m.Over = at
	if end.State == remediate.Resolved {
		m.Fixed = at
	}
}

// heard notes a word of a person.
func (m *milestones) heard(at remediate.Instant) {
	if !m.Wanted.IsZero() {
		first(&m.Answered, at)
	}
}

// first keeps the first moment.
func first(moment *remediate.Instant, at remediate.Instant) {
	if moment.IsZero() {
		*moment = at
	}
}

// took is a time between two milestones, and whether both came.
func took(from, to remediate.Instant) (time.Duration, bool) {
	return to.Since(from), !from.IsZero() && !to.IsZero()
}

func (m *milestones) toAct() (time.Duration, bool)         { return took(m.Received, m.Acted) }
func (m *milestones) toAcknowledge() (time.Duration, bool) { return took(m.Wanted, m.Answered) }
func (m *milestones) toFix() (time.Duration, bool)         { return took(m.Received, m.Fixed) }
