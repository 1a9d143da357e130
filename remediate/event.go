package remediate

import (
	"cmp"

	"nightshift/alerts"
)

// EventType names what happened; in the log it stands behind "nightshift.".
type EventType string

// Event is one durable fact. The state of everything is the fold of these, so an
// event says what was decided, with all that is needed to fold it, and never
// asks the world again. Exactly the one payload that belongs to Type is set.
type Event struct {
	Type EventType `json:"-"`
	// Incident is whose event it is; empty for the host's own.
	Incident ID `json:"-"`
	// At is when it was decided.
	At Instant `json:"-"`
	// Cause is what reached the incident that decided this, as far as the events of
	// that decision do not hold it themselves. It stands in the first of them, so that
	// the decision can be made again: see [Cause].
	Cause *Input `json:"cause,omitzero"`

	Opened   *Opened   `json:"opened,omitzero"`
	Joined   *Joined   `json:"joined,omitzero"`
	Planned  *Planned  `json:"planned,omitzero"`
	Judged   *Judged   `json:"judged,omitzero"`
	Waited   *Waited   `json:"waited,omitzero"`
	Gathered *Gathered `json:"gathered,omitzero"`
	Started  *Started  `json:"started,omitzero"`
	Finished *Finished `json:"finished,omitzero"`
	Watched  *Watched  `json:"watched,omitzero"`
	Probed   *Probed   `json:"probed,omitzero"`
	Verified *Verified `json:"verified,omitzero"`
	Answered *Answered `json:"answered,omitzero"`
	Ended    *Ended    `json:"ended,omitzero"`

	Acknowledged *Acknowledged `json:"acknowledged,omitzero"`
	Paged        *Paged        `json:"paged,omitzero"`

	Read       *Read       `json:"read,omitzero"`
	Froze      *Freeze     `json:"froze,omitzero"`
	Thawed     *Thawed     `json:"thawed,omitzero"`
	WentBack   *WentBack   `json:"wentBack,omitzero"`
	StoodAside *StoodAside `json:"stoodAside,omitzero"`

	BreakerOpened *Breaker       `json:"breakerOpened,omitzero"`
	BreakerClosed *BreakerClosed `json:"breakerClosed,omitzero"`
	AutonomySet   *AutonomySet   `json:"autonomySet,omitzero"`
	StormBegan    *Storm         `json:"stormBegan,omitzero"`
	SourceChanged *SourceChanged `json:"sourceChanged,omitzero"`
	PageFailed    *PageFailed    `json:"pageFailed,omitzero"`
	CarriedOut    *CarriedOut    `json:"carriedOut,omitzero"`
}

// The events of an incident, and of the host.
const (
	IncidentOpened    EventType = "incident.opened"
	IncidentJoined    EventType = "incident.joined"
	IncidentPlanned   EventType = "incident.planned"
	IncidentJudged    EventType = "incident.judged"
	IncidentWaiting   EventType = "incident.waiting"
	EvidenceGathered  EventType = "incident.evidence_gathered"
	StepStarted       EventType = "incident.step_started"
	StepFinished      EventType = "incident.step_finished"
	VerifyStarted     EventType = "incident.verification_started"
	IncidentProbed    EventType = "incident.probed"
	VerifyFinished    EventType = "incident.verification_finished"
	IncidentAnswered  EventType = "incident.answered"
	IncidentEscalated EventType = "incident.escalated"
	IncidentEnded     EventType = "incident.ended"
	// IncidentAcknowledged and IncidentPaged are of one that people have.
	IncidentAcknowledged EventType = "incident.acknowledged"
	IncidentPaged        EventType = "incident.paged"

	AlertsRead EventType = "host.alerts_read"
	HostFroze  EventType = "host.frozen"
	HostThawed EventType = "host.thawed"
	// HostWentBack and HostStoodAside are of an agent inside a virtual machine.
	HostWentBack   EventType = "host.went_back"
	HostStoodAside EventType = "host.stood_aside"

	HostBreakerOpened EventType = "host.breaker_opened"
	HostBreakerClosed EventType = "host.breaker_closed"
	HostAutonomySet   EventType = "host.autonomy_set"
	HostStormBegan    EventType = "host.storm_began"
	HostSourceChanged EventType = "host.source_changed"
	HostPageFailed    EventType = "host.page_failed"
	HostCarriedOut    EventType = "host.carried_out"
)

// EventTypes lists them all, for the documentation.
var EventTypes = []EventType{
	IncidentOpened, IncidentJoined, IncidentPlanned, IncidentJudged, IncidentWaiting, EvidenceGathered,
	StepStarted, StepFinished, VerifyStarted, IncidentProbed, VerifyFinished, IncidentAnswered,
	IncidentEscalated, IncidentEnded, IncidentAcknowledged, IncidentPaged,
	AlertsRead, HostFroze, HostThawed, HostWentBack, HostStoodAside,
	HostBreakerOpened, HostBreakerClosed, HostAutonomySet, HostStormBegan, HostSourceChanged, HostPageFailed, HostCarriedOut,
}

// proof is the signature of the person whose word an event holds, if it needed one.
func (e Event) proof() *Proof {
	switch {
	case e.Opened != nil && e.Opened.Asked != nil:
		return e.Opened.Asked.Proof
	case e.Answered != nil:
		return e.Answered.Proof
	case e.Ended != nil:
		return e.Ended.Proof
	case e.Froze != nil:
		return e.Froze.Proof
	case e.Thawed != nil:
		return e.Thawed.Proof
	case e.BreakerClosed != nil:
		return e.BreakerClosed.Proof
	case e.AutonomySet != nil:
		return e.AutonomySet.Proof
	}
	return nil
}

// Opened begins an incident.
type Opened struct {
	// Alert is the alert as it came, bounded by the alerts package.
	Alert alerts.Alert `json:"alert"`
	// Received is when its notification came.
	Received Instant `json:"received"`
	// Truncated is whether its notification had been cut.
	Truncated bool `json:"truncated,omitzero"`
	// Position is the alert's place in the stream of alerts.
	Position Position `json:"position"`
	// Playbook is the whole recipe, so that a live incident keeps it when the
	// configuration changes.
	Playbook Playbook `json:"playbook"`
	// Target is what it is about; the zero target is one that the inventory
	// does not know.
	Target Target `json:"target"`
	// WatchOnly is whether the agent or the playbook only observed when it was
	// opened: then nobody is woken for it.
	WatchOnly bool `json:"watchOnly,omitzero"`
	// Waits is the incident that has the target now.
	Waits ID `json:"waits,omitzero"`
	// Follows is the ended incident of the same episode that this one takes up.
	Follows ID `json:"follows,omitzero"`
	// Asked is what a person asked for, in place of an alert.
	Asked *Asked `json:"asked,omitzero"`
	// Severity is by the inventory's word for the alert's label; 0 is
	// [DefaultSeverity].
	Severity Severity `json:"severity,omitzero"`
	// Escalation is when people hear of it once it is handed to them.
	Escalation EscalationPolicy `json:"escalation,omitzero"`
}

// Joined is a notification that changed what an incident knows of its alerts:
// one of its own that fires or has ended, or another's that hangs on it.
type Joined struct {
	Alert     alerts.Alert `json:"alert"`
	Received  Instant      `json:"received"`
	Truncated bool         `json:"truncated,omitzero"`
	// Hangs is whether another playbook's incident takes it along: when that is
	// over, the alert is judged anew.
	Hangs bool `json:"hangs,omitzero"`
	// Doubted is whether it says that the alert has ended, and is not believed.
	Doubted  bool     `json:"doubted,omitzero"`
	Position Position `json:"position"`
}

// Planned binds an incident to what would be done.
type Planned struct {
	Plan Plan `json:"plan"`
	// Observations are what the plan was made of.
	Observations []Observation `json:"observations,omitzero"`
	// Seen is what else it was made of, so that it can be made again.
	Seen *Seen `json:"seen,omitzero"`
	// Invocations are those of what the plan may touch.
	Invocations map[Target]string `json:"invocations,omitzero"`
}

// Judged is an answer of the gates, with what they were asked about.
type Judged struct {
	// Rung and Step say what would have been next.
	Rung int `json:"rung"`
	Step int `json:"step"`
	// BeforeEffect tells the second judgement, directly before an act.
	BeforeEffect bool    `json:"beforeEffect,omitzero"`
	Verdict      Verdict `json:"verdict"`
	// Facts are what the gates knew, in their own JSON, so that the judgement
	// can be made again.
	Facts RawJSON `json:"facts,omitzero"`
}

// RawJSON is a JSON value that is kept as it is.
type RawJSON []byte

// Waited says that an incident waits, and for what.
type Waited struct {
	// Reason is why.
	Reason Reason `json:"reason"`
	// Until is when it looks again; zero while On decides.
	Until Instant `json:"until,omitzero"`
	// On is the incident whose end it waits for.
	On ID `json:"on,omitzero"`
}

// Gathered is the evidence from before the first act.
type Gathered struct {
	Evidence []Evidence `json:"evidence"`
}

// Started is the intent to do one step, durable before its effect.
type Started struct {
	Rung int  `json:"rung"`
	Step int  `json:"step"`
	What Step `json:"what"`
	// Takes is what it takes along, read directly before; no more than the plan says,
	// or than the rung touches anyway.
	Takes []Target `json:"takes,omitzero"`
	// PlanDigest is the plan's, as approved or allowed.
	PlanDigest string  `json:"planDigest"`
	Witness    Witness `json:"witness,omitzero"`
	// Again is whether a crash had interrupted the same step before.
	Again bool `json:"again,omitzero"`
	// Facts are what the gates knew directly before.
	Facts RawJSON `json:"facts,omitzero"`
}

// Finished is what came of a step.
type Finished struct {
	Rung    int     `json:"rung"`
	Step    int     `json:"step"`
	Receipt Receipt `json:"receipt"`
	// Invocations are those of what the plan may touch, read just afterwards: a
	// restart takes along what hangs on the unit.
	Invocations map[Target]string `json:"invocations,omitzero"`
	// Recovered is whether this was read from the world after a crash.
	Recovered bool `json:"recovered,omitzero"`
	// NotDone says that the step had certainly not happened: it is judged and
	// tried once more.
	NotDone bool `json:"notDone,omitzero"`
	// Doubt, where set, says why nothing more is tried: people have to decide.
	// It stands here, so that a crash before the next event forgets nothing.
	Doubt string `json:"doubt,omitzero"`
}

// Watched begins a verification, or begins it anew after a crash.
type Watched struct {
	Rung int `json:"rung"`
	// Only is whether nothing more is tried afterwards, and why.
	Only Reason `json:"only,omitzero"`
}

// Probed is a change of what the probes say.
type Probed struct {
	Observations []Observation `json:"observations"`
}

// Outcome is the answer of a verification.
type Outcome string

// The outcomes.
const (
	Fixed        Outcome = "fixed"
	NotFixed     Outcome = "not_fixed"
	Inconclusive Outcome = "inconclusive"
)

// Outcomes lists them, for metrics and documentation.
var Outcomes = []Outcome{Fixed, NotFixed, Inconclusive}

// Verified ends a verification.
type Verified struct {
	Rung    int     `json:"rung"`
	Outcome Outcome `json:"outcome"`
	// Observations are the last answers.
	Observations []Observation `json:"observations,omitzero"`
	Detail       string        `json:"detail,omitzero"`
}

// Verbs that people have for an incident.
const (
	PersonResumes  = "resume"
	PersonApproves = "approve"
	PersonAcks     = "ack"
	PersonComments = "comment"
)

// Answered is what a person said of an incident that goes on.
type Answered struct {
	// Verb is what was said, By the user's name, Comment their words.
	Verb    string `json:"verb"`
	By      string `json:"by"`
	Comment string `json:"comment,omitzero"`
	// Proof is the signature that it came with, where one was needed.
	Proof *Proof `json:"proof,omitzero"`
}

// Ended moves an incident to [Escalated] or to an ended state.
type Ended struct {
	State  State  `json:"state"`
	Reason Reason `json:"reason"`
	Detail string `json:"detail,omitzero"`
	// By is the person who ended it, Comment their words.
	By      string `json:"by,omitzero"`
	Comment string `json:"comment,omitzero"`
	// Quiet is whether people are told of it with others, by one escalation: of a
	// freeze, or a storm.
	Quiet bool `json:"quiet,omitzero"`
	// Proof is the signature that a person's word came with, where one was needed.
	Proof *Proof `json:"proof,omitzero"`
}

// Read moves the cursor over alerts that opened nothing.
type Read struct {
	Position Position `json:"position"`
}

// Position is the place of one alert in the stream of alerts: its message, and
// which alert of that message it is. Consumer acknowledgements are not durable,
// so each event carries the position it came from, and their fold is the cursor.
type Position struct {
	// Message is the sequence of the message in the stream, from 1.
	Message uint64 `json:"message"`
	// Alert counts the alerts of the message, from 0.
	Alert int `json:"alert"`
}

// After reports whether p lies behind other.
func (p Position) After(other Position) bool { return p.compare(other) > 0 }

func (p Position) compare(other Position) int {
	return cmp.Or(cmp.Compare(p.Message, other.Message), cmp.Compare(p.Alert, other.Alert))
}

// Freeze stops all acting until it is thawed or over.
type Freeze struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitzero"`
	// Until is when it ends by itself; zero means never.
	Until Instant `json:"until,omitzero"`
	At    Instant `json:"at"`
	// Proof is the signature that it came with, where one was needed.
	Proof *Proof `json:"proof,omitzero"`
	// Damage is whether the journal's damage froze the agent: only accepting
	// it thaws.
	Damage bool `json:"damage,omitzero"`
	// File is whether a file freezes the agent: this only says so, and it lasts as long
	// as the file is there.
	File bool `json:"file,omitzero"`
}

// Over reports whether a freeze has ended by itself.
func (f Freeze) Over(now Instant) bool { return !f.Until.IsZero() && !now.Before(f.Until) }

// WentBack says that the disks under an agent inside a VM were exchanged since it
// last wrote: its host started the VM in another epoch.
type WentBack struct {
	// Epoch is the new one, a ULID; Was the one before, empty for the first.
	Epoch string `json:"epoch"`
	Was   string `json:"was,omitzero"`
	// Position is the last alert from before: none up to it is acted on.
	Position Position `json:"position"`
}

// StoodAside says that an agent inside a VM leaves the acting to its host, which
// acts on the VM as a whole, or watches it boot.
type StoodAside struct {
	// Until is when that is over, By who said so.
	Until Instant `json:"until"`
	By    string  `json:"by"`
}

// Thawed ends a freeze.
type Thawed struct {
	By      string `json:"by"`
	Comment string `json:"comment,omitzero"`
	// Proof is the signature that it came with, where one was needed.
	Proof *Proof `json:"proof,omitzero"`
	// File is whether the file that froze the agent is gone.
	File bool `json:"file,omitzero"`
}
