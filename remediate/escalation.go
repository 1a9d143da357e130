package remediate

import "time"

// Severity says how bad an incident is: 1 is the worst, 4 the least.
type Severity int

// DefaultSeverity is that of an alert whose label severity the inventory does not
// name.
const DefaultSeverity Severity = 3

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
