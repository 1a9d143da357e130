package oncall

import (
	"time"

	"nightshift/remediate"
)

// Kind says what a notification is about; it is the last token of its subject.
type Kind string

// The kinds.
const (
	NotifyOpened         Kind = "opened"
	NotifyApprovalWanted Kind = "approval_wanted"
	NotifyEscalated      Kind = "escalated"
	NotifyResolved       Kind = "resolved"
	NotifyBreakerOpened  Kind = "breaker_opened"
	NotifyFrozen         Kind = "frozen"
	NotifyJournalDamaged Kind = "journal_damaged"
	NotifyPageFailed     Kind = "page_failed"
)

// Kinds lists them, for the documentation.
var Kinds = []Kind{
	NotifyOpened, NotifyApprovalWanted, NotifyEscalated, NotifyResolved,
	NotifyBreakerOpened, NotifyFrozen, NotifyJournalDamaged, NotifyPageFailed,
}

// Notification tells people one thing that they may want to know, or have to act
// on. Text is for a tired person, the rest for a program.
type Notification struct {
	Kind Kind      `json:"kind"`
	Host string    `json:"host"`
	At   time.Time `json:"at"`
	// N is the event's number in the log; 0 where no event says it.
	N uint64 `json:"n,omitzero"`
	// Text says it all in a sentence or two.
	Text     string             `json:"text"`
	Incident remediate.ID       `json:"incident,omitzero"`
	Severity remediate.Severity `json:"severity,omitzero"`
	Playbook string             `json:"playbook,omitzero"`
	Target   remediate.Target   `json:"target,omitzero"`
	// Seen is what was seen, Done what was done so far, Asked what is wanted of
	// the reader.
	Seen  string `json:"seen,omitzero"`
	Done  string `json:"done,omitzero"`
	Asked string `json:"asked,omitzero"`
	// Plan is the digest that a yes must name, Until how long one is waited for.
	Plan  string    `json:"plan,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Command answers it, Dashboard is where more can be seen.
	Command   string `json:"command,omitzero"`
	Dashboard string `json:"dashboard,omitzero"`
}

// NotificationsQuery asks for what was missed, the oldest first.
type NotificationsQuery struct {
	// Since leaves out what was told earlier.
	Since time.Time `json:"since,omitzero"`
	// Limit is how many of the newest are shown; 0 is [DefaultLimit].
	Limit int `json:"limit,omitzero"`
}
