package remediate

import (
	"slices"
	"time"
)

// Severity says how bad an incident is: 1 is the worst, 4 the least.
type Severity int

// DefaultSeverity is that of an alert whose label severity the inventory does not
// name, and LeastSevere the other end of the scale.
const (
	DefaultSeverity Severity = 3
	LeastSevere     Severity = 4
)

// EscalationPolicy is when people hear of an incident that was handed to them. An
// incident keeps the one that was in force when it was opened.
type EscalationPolicy struct {
	// Levels are the times after the handing over, rising, the first of which is
	// usually 0.
	Levels []time.Duration `json:"levels"`
	// Repeat is how often the level that was reached is told again while nobody has
	// acknowledged; 0 is never.
	Repeat time.Duration `json:"repeat,omitzero"`
	// AckLasts is how long an acknowledgement stops the clock: when the incident is
	// not over by then, it escalates again from its first level.
	AckLasts time.Duration `json:"ackLasts"`
	// Hours are when people are told at all; what is due outside of them waits for
	// them. Empty is always.
	Hours Hours `json:"hours,omitzero"`
}

// repeats is how often a severity 1 is told again that nobody acknowledged.
const repeats = 5 * time.Minute

// ackLasts is how long people may take for each severity before they are asked
// whether they are at it still.
var ackLasts = map[Severity]time.Duration{1: 15 * time.Minute, 2: 30 * time.Minute, 3: 2 * time.Hour, 4: 24 * time.Hour}

// DefaultEscalation is the policy for a severity of which nobody said anything:
// told at once, for the pager that people have knows the rest.
func DefaultEscalation(s Severity) EscalationPolicy {
	policy := EscalationPolicy{Levels: []time.Duration{0}, AckLasts: ackLasts[s]}
	if s == 1 {
		policy.Repeat = repeats
	}
	return policy
}

// Acknowledged says that a person took an incident.
type Acknowledged struct {
	By      string `json:"by"`
	Comment string `json:"comment,omitzero"`
	// Claimed is whether By is what the author of a silence wrote, which nobody
	// has checked: an acknowledgement by claim, and never an approval.
	Claimed bool `json:"claimed,omitzero"`
	// Silence is the ID of the silence that says so, where one does.
	Silence string `json:"silence,omitzero"`
	// Mute is whether the source alert is silenced too, while the incident lives.
	Mute bool `json:"mute,omitzero"`
	// At is when, Until how long it stops the escalation's clock.
	At    Instant `json:"at"`
	Until Instant `json:"until"`
}

// Holds reports whether an acknowledgement stops the clock.
func (a *Acknowledged) Holds(now Instant) bool {
	return a != nil && !now.past(a.At, a.Until.Since(a.At))
}

// Paged says that an incident's escalation reached a level, or told it again.
type Paged struct {
	// Level counts from 0.
	Level int `json:"level"`
	// Again is whether the level had been told before.
	Again bool `json:"again,omitzero"`
}

// Page is how far an incident's escalation has come.
type Page struct {
	// Since is when its clock began: at the handing over, or when an
	// acknowledgement came to nothing.
	Since Instant `json:"since"`
	// Level is the highest that was told, -1 before the first.
	Level int `json:"level"`
	// Told is when it was told last, Times how often in all.
	Told  Instant `json:"told,omitzero"`
	Times int     `json:"times,omitzero"`
}

// Calling reports whether people are being called for an incident now, and the
// highest level at which they are: it is theirs, not told of with others, and
// nobody has acknowledged it.
func (i *Incident) Calling(now Instant) (level int, calling bool) {
	page, runs := i.clock(now)
	return page.Level, runs && page.Level >= 0
}

// PageDue is what people are to be told now, if anything: the next level, or once
// more the one that was reached. It is a function of what the log says and the
// time, so a restart tells nothing twice and forgets nothing. After a long absence
// it has to be asked until it says no: each level is told.
func (i *Incident) PageDue(now Instant) (Paged, bool) {
	page, runs := i.clock(now)
	policy := i.policy()
	if !runs || !policy.Hours.Have(now.Wall) {
		return Paged{}, false
	}
	next := page.Level + 1
	switch {
	case next < len(policy.Levels) && now.past(page.Since, policy.Levels[next]):
		return Paged{Level: next}, true
	case policy.Repeat > 0 && page.Level >= 0 && now.past(page.Told, policy.Repeat):
		return Paged{Level: page.Level, Again: true}, true
	}
	return Paged{}, false
}

// clock is how far the escalation has come, and whether it runs. An
// acknowledgement that is over begins it anew from then.
func (i *Incident) clock(now Instant) (page Page, runs bool) {
	switch {
	case i.State != Escalated, i.Quiet, i.Acknowledged.Holds(now):
		return Page{Level: -1}, false
	case i.Page == nil: // handed over by an agent that called nobody
		return Page{Since: i.Since, Level: -1}, true
	case i.Acknowledged != nil:
		return Page{Since: i.Acknowledged.Until, Level: -1, Times: i.Page.Times}, true
	}
	return *i.Page, true
}

// policy is the incident's own, or what is usual.
func (i *Incident) policy() EscalationPolicy {
	if len(i.Escalation.Levels) == 0 {
		return DefaultEscalation(i.Severity)
	}
	return i.Escalation
}

// acknowledged takes in that a person has the incident.
func (i *Incident) acknowledged(a Acknowledged) {
	i.Acknowledged = &a
	if a.Silence != "" && !slices.Contains(i.Silences, a.Silence) {
		i.Silences = append(i.Silences, a.Silence)
	}
}

// paged remembers what people were told. Whoever had acknowledged came to nothing.
func (i *Incident) paged(p Paged, at Instant) {
	page := Page{Since: i.Since, Level: -1}
	switch {
	case i.Page != nil && i.Acknowledged != nil:
		page = Page{Since: i.Acknowledged.Until, Times: i.Page.Times}
	case i.Page != nil:
		page = *i.Page
	}
	page.Level, page.Told = p.Level, at
	page.Times++
	i.Page, i.Acknowledged = &page, nil
}

// PageFailed says that no Alertmanager took an escalation: whoever is only called by
// it does not know.
type PageFailed struct {
	// Incidents are those that nobody is called for, the oldest first.
	Incidents []ID `json:"incidents"`
	// Why is what keeps the Alertmanagers from it, and what to do.
	Why string `json:"why"`
}
