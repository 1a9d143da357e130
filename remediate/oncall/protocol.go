package oncall

import (
	"errors"
	"time"

	"nightshift/remediate"
)

// The verbs that people say to the agent. Those of one incident name it.
const (
	Freeze  = "freeze"
	Thaw    = "thaw"
	Ack     = remediate.PersonAcks
	Approve = remediate.PersonApproves
	Deny    = remediate.PersonDenies
	Cancel  = remediate.PersonCancels
	Close   = remediate.PersonCloses
	Resume  = remediate.PersonResumes
	Comment = remediate.PersonComments
	Breaker = "breaker" // closes one
	Promote = "promote"
	Start   = "start" // what only people start, of a virtual machine
	Run     = "run"   // a playbook
	Accept  = "accept"
	Reload  = "reload"
)

// Verbs lists them, for the documentation.
var Verbs = []string{Freeze, Thaw, Ack, Approve, Deny, Cancel, Close, Resume, Comment, Breaker, Promote, Start, Run, Accept, Reload}

// Request is what a verb carries, as JSON. Unknown members are refused: a
// misspelt one must not be a yes to something else.
type Request struct {
	// Incident is any unambiguous beginning of an incident's ID.
	Incident string `json:"incident,omitzero"`
	// Comment is why, in the person's words.
	Comment string `json:"comment,omitzero"`
	// For is how long a freeze lasts; 0 is until it is thawed.
	For time.Duration `json:"for,omitzero"`
	// Plan is the digest of the rung that the person saw and approves.
	Plan string `json:"plan,omitzero"`
	// Mute is whether who acknowledges wants the source alert silenced too.
	Mute bool `json:"mute,omitzero"`
	// Again asks for a new plan, where an approval came too late.
	Again bool `json:"again,omitzero"`
	// Force closes an incident whatever its probes say.
	Force bool `json:"force,omitzero"`
	// Breaker is the breaker to close.
	Breaker remediate.BreakerKey `json:"breaker,omitzero"`
	// Playbook is promoted, To how far it may go from now on.
	Playbook string             `json:"playbook,omitzero"`
	To       remediate.Autonomy `json:"to,omitzero"`
	// Order is what is to be started.
	Order *Order `json:"order,omitzero"`
	// Signed is the person's signature over all of the above; [Client.Do] makes it.
	Signed *Signed `json:"signed,omitzero"`
}

// Signed is a person's signature over one request.
type Signed struct {
	// Nonce makes it good for once, Expires until when: at most 5 minutes ahead.
	Nonce   string    `json:"nonce"`
	Expires time.Time `json:"expires"`
	// Signature is that of the person's nkey, in base64url without padding.
	Signature string `json:"signature"`
}

// Reply answers a verb.
type Reply struct {
	// Done says what was done, in a sentence; empty when nothing was.
	Done string `json:"done,omitzero"`
	// Error says why not.
	Error string `json:"error,omitzero"`
	// Incident is the incident afterwards.
	Incident *Summary `json:"incident,omitzero"`
}

// The queries.
const (
	AskStatus        = "status"
	AskIncidents     = "incidents"
	AskIncident      = "incident"
	AskEvents        = "events"
	AskNotifications = "notifications"
	AskPlaybooks     = "playbooks"
	AskBreakers      = "breakers"
	AskExplain       = "explain"
	AskVerify        = "verify"
	AskVMs           = "vms"
	AskForesee       = "foresee"
)

// Queries lists them, for the documentation.
var Queries = []string{
	AskStatus, AskIncidents, AskIncident, AskEvents, AskNotifications, AskPlaybooks, AskBreakers,
	AskExplain, AskVerify, AskVMs, AskForesee,
}

// Status is how the agent is.
type Status struct {
	Host    string            `json:"host"`
	Version string            `json:"version"`
	Mode    string            `json:"mode"`
	Frozen  *remediate.Freeze `json:"frozen,omitzero"`
	// Degraded says what it can't do now, by what it lacks.
	Degraded map[string]string `json:"degraded,omitzero"`
	// Open counts the incidents that are not over, by state.
	Open map[remediate.State]int `json:"open"`
}

// Filter chooses incidents.
type Filter struct {
	// Open leaves out those that are over.
	Open bool `json:"open,omitzero"`
	// Since leaves out those opened earlier; those that are not over stay.
	Since time.Time `json:"since,omitzero"`
	// Target, Outcome and Playbook leave out all others; "" leaves out none.
	Target   string `json:"target,omitzero"`
	Outcome  string `json:"outcome,omitzero"`
	Playbook string `json:"playbook,omitzero"`
	// Limit is how many of the newest are shown; 0 is [DefaultLimit].
	Limit int `json:"limit,omitzero"`
}

// DefaultLimit keeps a list within what a terminal and a message hold.
const DefaultLimit = 500

// Summary is one incident in a list.
type Summary struct {
	ID       remediate.ID     `json:"id"`
	State    remediate.State  `json:"state"`
	Reason   remediate.Reason `json:"reason,omitzero"`
	Detail   string           `json:"detail,omitzero"`
	Playbook string           `json:"playbook"`
	Target   remediate.Target `json:"target"`
	Alert    string           `json:"alert"`
	// AskedBy is who asked for it, where no alert did.
	AskedBy string            `json:"askedBy,omitzero"`
	Opened  time.Time         `json:"opened"`
	Since   time.Time         `json:"since"`
	Tried   []remediate.Tried `json:"tried,omitzero"`
	By      string            `json:"by,omitzero"`
	// Severity is 1 to 4, 1 the worst.
	Severity remediate.Severity `json:"severity,omitzero"`
	// Acknowledged is who took it, Page how far its escalation has come.
	Acknowledged *remediate.Acknowledged `json:"acknowledged,omitzero"`
	Page         *remediate.Page         `json:"page,omitzero"`
}

// Summarise is an incident as a list shows it.
func Summarise(i *remediate.Incident) Summary {
	s := Summary{
		ID: i.ID, State: i.State, Reason: i.Reason, Detail: i.Detail, Playbook: i.Playbook.Name, Target: i.Target,
		Alert: i.Alert.Name(), Opened: i.OpenedAt.Wall, Since: i.Since.Wall, Tried: i.Tried, By: i.By,
		Severity: i.Severity, Acknowledged: i.Acknowledged, Page: i.Page,
	}
	if i.Asked != nil {
		s.AskedBy = i.Asked.By
	}
	return s
}

// Story is one incident with all that happened.
type Story struct {
	Incident remediate.Incident `json:"incident"`
	Entries  []Entry            `json:"entries"`
}

// Entry is one event of a story.
type Entry struct {
	Type  remediate.EventType `json:"type"`
	At    remediate.Instant   `json:"at"`
	Event remediate.Event     `json:"event"`
}

// IncidentQuery names one incident.
type IncidentQuery struct {
	Incident string `json:"incident"`
	// Evidence asks for the whole text of evidence that was kept apart.
	Evidence bool `json:"evidence,omitzero"`
}

// EventsQuery asks for events as they are stored, a page at a time.
type EventsQuery struct {
	// Incident wants those of one; any unambiguous beginning of its ID.
	Incident string `json:"incident,omitzero"`
	// Since wants those that were stored then or later.
	Since time.Time `json:"since,omitzero"`
	// After wants those behind the event of this number.
	After uint64 `json:"after,omitzero"`
}

// EventsPage is the answer: at most [PageEvents] or pageBytes of them.
type EventsPage struct {
	Events []remediate.RawJSON `json:"events"`
	// Next asks for the page behind this one; nil when there is none.
	Next *EventsQuery `json:"next,omitzero"`
}

// The bounds of a page: within a message of 8 MiB, whatever the events.
const (
	PageEvents = 1000
	pageBytes  = 4 << 20
)

// StoredEvent is one event as it lies in the log.
type StoredEvent struct {
	N   uint64
	At  time.Time
	Raw []byte
}

// ExplainQuery is the body of a webhook, as Alertmanager would send it.
type ExplainQuery struct {
	Body string `json:"body"`
}

// Health is what a walk over the whole log found.
type Health struct {
	Epoch  string   `json:"epoch"`
	Events uint64   `json:"events"`
	First  uint64   `json:"first"`
	Last   uint64   `json:"last"`
	Damage []string `json:"damage,omitzero"`
}

// ErrNoIncident says that no incident of that name is in the log.
var ErrNoIncident = errors.New("no such incident")
