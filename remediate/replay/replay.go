// Package replay decides recorded incidents once more, from what the log says that
// each decision was made of, and tells where it comes to something else: because the
// log was changed, or because this version of the agent decides otherwise.
//
// What is made again: the plan, of what was seen; each verdict of the gates, of their
// facts; and every event that followed, by the state machine itself. What the ledger
// told the gates (attempts, other incidents, breakers) is taken from the recorded facts.
package replay

import (
	"fmt"
	"slices"

	"nightshift/remediate"
)

// Place is where an event stands in its log, and what chains it to the one before.
type Place struct {
	N     uint64
	Epoch string
	// Prev is the hash of the event before, Hash its own.
	Prev, Hash string
}

// Difference is one decision that comes to something else now.
type Difference struct {
	Incident remediate.ID `json:"incident"`
	// N is the number of the event with which the decision begins.
	N uint64 `json:"n"`
	// Of says what differs: plan, facts, verdict, decision, fold or event.
	Of string `json:"of"`
	// Was is what the log says, Is what it comes to now.
	Was string `json:"was"`
	Is  string `json:"is"`
}

// Report is what came of a replay. Replayed, Different and Unknown count incidents.
type Report struct {
	Replayed  int `json:"replayed"`
	Different int `json:"different"`
	// Unknown are those of which the log does not hold all that is needed: an older
	// agent wrote it, or its beginning is gone.
	Unknown int `json:"unknown"`
	// Decisions were made again, in all.
	Decisions   int          `json:"decisions"`
	Differences []Difference `json:"differences"`
}

// Replay decides again while the events of a log go by. The zero Replay is ready.
type Replay struct {
	report  Report
	courses map[remediate.ID]*course
	last    Place
	lastOf  remediate.ID
}

// course is one incident under way.
type course struct {
	incident remediate.Incident
	// pending are the events of the decision that is read just now, from number n on.
	pending   []remediate.Event
	n         uint64
	decisions int
	// unknown is whether the log lacks something, different whether it differs, and
	// over whether nothing of it is looked at any more.
	unknown, different, over bool
}

// Event takes the next event of the log.
func (r *Replay) Event(e remediate.Event, at Place) {
	r.chained(at)
	r.last, r.lastOf = at, e.Incident
	if e.Incident == "" {
		return
	}
	c := r.course(e)
	switch {
	case c.over:
		return
	case e.Cause != nil:
		r.settle(c, e.Cause)
		c.pending, c.n = []remediate.Event{e}, at.N
	case e.Opened == nil && e.Joined == nil && len(c.pending) > 0:
		c.pending = append(c.pending, e)
	case e.Opened == nil && e.Joined == nil:
		c.unknown, c.over = true, true
		return
	default:
		r.settle(c, nil)
		c.n = at.N
		r.fold(c, e)
	}
	if e.Ended != nil && e.Ended.State != remediate.Escalated {
		r.settle(c, nil)
		c.over = true
		c.incident, c.pending = remediate.Incident{}, nil
	}
}

// End is what came of it.
func (r *Replay) End() Report {
	for _, c := range r.courses {
		r.settle(c, nil)
		switch {
		case c.different:
			r.report.Replayed++
			r.report.Different++
		case c.unknown:
			r.report.Unknown++
		default:
			r.report.Replayed++
		}
		r.report.Decisions += c.decisions
		c.pending = nil
	}
	slices.SortStableFunc(r.report.Differences, func(a, b Difference) int { return int(a.N) - int(b.N) })
	return r.report
}

// chained notes that the event before is not the one that this one follows.
func (r *Replay) chained(at Place) {
	next := r.last.Hash != "" && at.N == r.last.N+1 && at.Epoch == r.last.Epoch
	if !next || at.Prev == r.last.Hash {
		return
	}
	d := Difference{r.lastOf, r.last.N, "event", at.Prev, r.last.Hash}
	if c := r.courses[r.lastOf]; c != nil {
		c.different = true
	}
	r.report.Differences = append(r.report.Differences, d)
}

// course is that of the event's incident.
func (r *Replay) course(e remediate.Event) *course {
	c := r.courses[e.Incident]
	if c == nil {
		c = &course{unknown: e.Opened == nil, over: e.Opened == nil}
		if r.courses == nil {
			r.courses = map[remediate.ID]*course{}
		}
		r.courses[e.Incident] = c
	}
	return c
}

func (r *Replay) fold(c *course, e remediate.Event) {
	if err := c.incident.Apply(e); err != nil {
		r.differs(c, e.Incident, "fold", string(e.Type), err.Error())
		c.over = true
	}
}

func (r *Replay) differs(c *course, id remediate.ID, of, was, is string) {
	c.different = true
	r.report.Differences = append(r.report.Differences, Difference{id, c.n, of, was, is})
}

// settle makes the decision again whose events are all read, and goes on with what
// the log says of it. next is what reached the incident after that.
func (r *Replay) settle(c *course, next *remediate.Input) {
	pending := c.pending
	c.pending = nil
	if len(pending) == 0 || c.over {
		return
	}
	c.decisions++
	for _, d := range again(&c.incident, pending, cut(next)) {
		r.differs(c, pending[0].Incident, d.Of, d.Was, d.Is)
	}
	for _, e := range pending {
		if r.fold(c, e); c.over {
			return
		}
	}
}

// cut reports whether the decision before that input may not have come to its end: a
// crash came in between, or the log could not be written.
func cut(next *remediate.Input) bool {
	return next == nil || next.Again || next.WentBack || next.Acted != nil || next.Said != nil
}

// again makes one decision once more.
func again(i *remediate.Incident, events []remediate.Event, cut bool) []Difference {
	in, ok := remediate.Cause(*i, events)
	if !ok {
		return []Difference{{Of: "decision", Was: string(events[0].Type), Is: "the log does not say why"}}
	}
	found, in := judgeAgain(i, in)
	in = planAgain(i, in)
	now, _, err := remediate.Decide(*i, in, events[0].At)
	if err != nil {
		return append(found, Difference{Of: "decision", Was: string(events[0].Type), Is: err.Error()})
	}
	for n, e := range events {
		if n >= len(now) {
			return append(found, Difference{Of: "decision", Was: text(e), Is: "nothing"})
		}
		if was, is := text(e), text(now[n]); was != is {
			return append(found, Difference{Of: kind(e), Was: was, Is: is})
		}
	}
	if len(now) > len(events) && !cut {
		return append(found, Difference{Of: "decision", Was: "nothing", Is: text(now[len(events)])})
	}
	return found
}

// kind says what an event that differs is about.
func kind(e remediate.Event) string {
	switch {
	case e.Planned != nil:
		return "plan"
	case e.Judged != nil, e.Started != nil:
		return "verdict"
	}
	return "decision"
}

// text is an event as it can be compared: its type and what it says.
func text(e remediate.Event) string {
	e.Cause = nil
	encoded, err := remediate.EncodeJSON(e)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s %s", e.Type, encoded)
}
