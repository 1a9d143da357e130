package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// tally is the page of the morning: what came of everything since a time.
type tally struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	// Opened counts the incidents that alerts opened, Asked those that people did,
	// Escalated how often one was handed to people.
	Opened    int `json:"opened"`
	Asked     int `json:"asked"`
	Escalated int `json:"escalated"`
	// Ended counts those that are over, by how they ended.
	Ended map[remediate.State]int `json:"ended"`
	// Verified counts the rungs that were climbed, by what their verification said.
	Verified map[remediate.Outcome]int `json:"verified"`
	// Refused counts the incidents that a gate refused to act on, by its reason.
	Refused map[remediate.Reason]int `json:"refused"`

	ToAct         spread `json:"toAct"`
	ToFix         spread `json:"toFix"`
	ToAcknowledge spread `json:"toAcknowledge"`

	// Repeats are what was fixed again and again within a week.
	Repeats []repeat `json:"repeats"`
	// WithPeople are the incidents that people have now.
	WithPeople []oncall.Summary `json:"withPeople"`
}

// spread is how times lie: of how many, the one in the middle, the longest.
type spread struct {
	Count  int           `json:"count"`
	Median time.Duration `json:"median"`
	Max    time.Duration `json:"max"`
}

func spreadOf(times []time.Duration) spread {
	if len(times) == 0 {
		return spread{}
	}
	slices.Sort(times)
	middle := len(times) / 2
	median := times[middle]
	if len(times)%2 == 0 {
		median = (times[middle-1] + times[middle]) / 2
	}
	return spread{len(times), median, times[len(times)-1]}
}

// repeat is one thing that was fixed several times within a week.
type repeat struct {
	On       remediate.Target `json:"on"`
	Times    int              `json:"times"`
	Sentence string           `json:"sentence"`
}

const (
	// week is how far back repeats are looked for.
	week = 7 * 24 * time.Hour
	// oftenEnough is how many repairs of one thing within a week say that the fault
	// is somewhere else: one may be chance, two a slow day.
	oftenEnough = 3
)

// counter folds events into a tally.
type counter struct {
	since, week time.Time
	tally       tally
	chapters    map[remediate.ID]*chapter

	toAct, toFix, toAcknowledge []time.Duration
	fixed                       map[remediate.Target]map[remediate.ID]bool
}

// chapter is one incident as the counter knows it.
type chapter struct {
	incident   remediate.Incident
	milestones milestones
	refused    map[remediate.Reason]bool
	touched    []remediate.Target // by the rung that is being climbed
}

// newCounter counts what happened from since until now.
func newCounter(since, now time.Time) *counter {
	return &counter{
		since: since, week: now.Add(-week), chapters: map[remediate.ID]*chapter{}, fixed: map[remediate.Target]map[remediate.ID]bool{},
		tally: tally{
			Since: since.UTC(), Until: now.UTC(), Ended: map[remediate.State]int{}, Verified: map[remediate.Outcome]int{},
			Refused: map[remediate.Reason]int{}, Repeats: []repeat{}, WithPeople: []oncall.Summary{},
		},
	}
}

// from is the earliest event that has to be read: repeats go back a week, and an
// incident that ended since may have been opened a day before.
func (c *counter) from() time.Time {
	from := c.since
	if c.week.Before(from) {
		from = c.week
	}
	return from.Add(-24 * time.Hour)
}

// add folds one event. Those of incidents whose beginning was not read are left out.
func (c *counter) add(e remediate.Event) error {
	ch := c.chapters[e.Incident]
	switch {
	case e.Incident == "", ch == nil && e.Opened == nil:
		return nil
	case ch == nil:
		ch = &chapter{refused: map[remediate.Reason]bool{}}
		c.chapters[e.Incident] = ch
	}
	before := ch.milestones
	ch.milestones.add(e)
	if !e.At.Wall.Before(c.since) {
		c.count(ch, e)
		c.time(before, ch.milestones)
	}
	c.repairs(ch, e)
	return ch.incident.Apply(e)
}

// count counts one event of the time that is asked about.
func (c *counter) count(ch *chapter, e remediate.Event) {
	t := &c.tally
	switch {
	case e.Opened != nil && e.Opened.Asked != nil:
		t.Asked++
	case e.Opened != nil:
		t.Opened++
	case e.Verified != nil && ch.incident.Climbing():
		t.Verified[e.Verified.Outcome]++
	case e.Ended != nil && e.Ended.State == remediate.Escalated:
		t.Escalated++
	case e.Ended != nil:
		t.Ended[e.Ended.State]++
	case e.Judged != nil && e.Judged.Verdict.Decision == remediate.Refuse && !ch.refused[e.Judged.Verdict.Reason]:
		ch.refused[e.Judged.Verdict.Reason] = true
		t.Refused[e.Judged.Verdict.Reason]++
	}
}

// time notes the times that one event has made known.
func (c *counter) time(before, after milestones) {
	note := func(times *[]time.Duration, of func(*milestones) (time.Duration, bool)) {
		_, known := of(&before)
		if d, came := of(&after); came && !known {
			*times = append(*times, d)
		}
	}
	note(&c.toAct, (*milestones).toAct)
	note(&c.toFix, (*milestones).toFix)
	note(&c.toAcknowledge, (*milestones).toAcknowledge)
}

// repairs notes what was fixed within the week: the unit or the VM that an incident
// is about, or, where it is about the host, what the rung touched that fixed it.
func (c *counter) repairs(ch *chapter, e remediate.Event) {
	switch {
	case e.Started != nil:
		ch.touched = append(ch.touched, e.Started.What.On)
	case e.Verified != nil:
		on := ch.touched
		ch.touched = nil
		if e.Verified.Outcome != remediate.Fixed || e.At.Wall.Before(c.week) || ch.incident.Asked != nil {
			return
		}
		if len(on) > 0 && ch.incident.Target.Kind != remediate.HostKind {
			on = []remediate.Target{ch.incident.Target}
		}
		for _, target := range on {
			if c.fixed[target] == nil {
				c.fixed[target] = map[remediate.ID]bool{}
			}
			c.fixed[target][ch.incident.ID] = true
		}
	}
}

// done is the tally of all that was added.
func (c *counter) done() tally {
	t := c.tally
	t.ToAct, t.ToFix, t.ToAcknowledge = spreadOf(c.toAct), spreadOf(c.toFix), spreadOf(c.toAcknowledge)
	for target, incidents := range c.fixed {
		if n := len(incidents); n >= oftenEnough {
			t.Repeats = append(t.Repeats, repeat{target, n, fmt.Sprintf("%s fixed %d times this week: you are masking a fault", target.Name, n)})
		}
	}
	slices.SortFunc(t.Repeats, func(a, b repeat) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(a.On.String(), b.On.String()))
	})
	for _, ch := range c.chapters {
		if s := ch.incident.State; s == remediate.Escalated || s == remediate.Held {
			t.WithPeople = append(t.WithPeople, oncall.Summarise(&ch.incident))
		}
	}
	slices.SortFunc(t.WithPeople, func(a, b oncall.Summary) int {
		return cmp.Or(b.Opened.Compare(a.Opened), cmp.Compare(a.ID, b.ID))
	})
	return t
}
