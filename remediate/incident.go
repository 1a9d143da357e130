package remediate

import (
	"fmt"
	"maps"
	"slices"

	"nightshift/alerts"
)

// State is where an incident stands. Its usual way is Open, Acting, Verifying,
// Resolved; a rung that did not fix it leads from Verifying back to Open, and from
// every state people get it (Escalated) when there is nothing more to try.
//
//	Open      ──► Waiting Held Acting Verifying Escalated Cleared Closed Declined Suppressed Observed
//	Waiting   ──► Open Held Acting Verifying Escalated Cleared Closed Declined Observed
//	Held      ──► Open Verifying Escalated Cleared Closed Declined
//	Acting    ──► Open Waiting Held Verifying Escalated Resolved Cleared Closed Declined Suppressed Observed
//	Verifying ──► Open Escalated Resolved Cleared Closed
//	Escalated ──► Open Cleared Closed
//
// Transitions holds the same as a table.
type State string

// The states: first those of an incident that lives, then how one ended.
const (
	Open      State = "open"      // to be looked at, or to be judged
	Waiting   State = "waiting"   // until a time, another incident's end, or another answer
	Held      State = "held"      // a person must approve the plan
	Acting    State = "acting"    // a rung was allowed and is being climbed
	Verifying State = "verifying" // the probes must stay healthy for a window
	Escalated State = "escalated" // people have it: nothing more is done, the probes are asked on

	Resolved   State = "resolved"   // our act, verified
	Cleared    State = "cleared"    // healthy, and the alert gone, without us or after people
	Closed     State = "closed"     // by a person
	Declined   State = "declined"   // a person said no
	Suppressed State = "suppressed" // silenced, or in maintenance
	Observed   State = "observed"   // it would have been acted on
)

// LiveStates and EndedStates list all of them, in the order above.
var (
	LiveStates  = []State{Open, Waiting, Held, Acting, Verifying, Escalated}
	EndedStates = []State{Resolved, Cleared, Closed, Declined, Suppressed, Observed}
)

// Transitions says which state may follow which. No state follows an ended one.
var Transitions = map[State][]State{
	Open:      {Waiting, Held, Acting, Verifying, Escalated, Cleared, Closed, Declined, Suppressed, Observed},
	Waiting:   {Open, Held, Acting, Verifying, Escalated, Cleared, Closed, Declined, Observed},
	Held:      {Open, Verifying, Escalated, Cleared, Closed, Declined},
	Acting:    {Open, Waiting, Held, Verifying, Escalated, Resolved, Cleared, Closed, Declined, Suppressed, Observed},
	Verifying: {Open, Escalated, Resolved, Cleared, Closed},
	Escalated: {Open, Cleared, Closed},
}

// Live reports whether an incident in this state is not over.
func (s State) Live() bool { return slices.Contains(LiveStates, s) }

// Incident is what is known of the handling of one alert: the fold of its events.
type Incident struct {
	ID       ID       `json:"id"`
	State    State    `json:"state"`
	Reason   Reason   `json:"reason,omitzero"`
	Detail   string   `json:"detail,omitzero"`
	Playbook Playbook `json:"playbook"`
	Target   Target   `json:"target"`

	// Alert is the one that opened it. Holds are the alerts of its playbook and
	// target that fire (one for each endpoint of a site, say), Firing whether any
	// does, and Heard when the log last had a word of them.
	Alert     alerts.Alert         `json:"alert"`
	Holds     []alerts.Fingerprint `json:"holds,omitzero"`
	Firing    bool                 `json:"firing"`
	Heard     Instant              `json:"heard"`
	Received  Instant              `json:"received"`
	Truncated bool                 `json:"truncated,omitzero"`
	WatchOnly bool                 `json:"watchOnly,omitzero"`
	Follows   ID                   `json:"follows,omitzero"`
	// Asked is what a person asked for; nil where an alert opened it.
	Asked *Asked `json:"asked,omitzero"`

	OpenedAt Instant `json:"openedAt"`
	// Since is when its present state began; LiveSince when people last handed
	// it to the agent, which is what the deadline counts from.
	Since     Instant `json:"since"`
	LiveSince Instant `json:"liveSince"`

	Plan *Plan `json:"plan,omitzero"`
	// Rung and Step say what comes next: Plan.Rungs[Rung].Steps[Step].
	Rung int `json:"rung"`
	Step int `json:"step"`
	// Intent is the step that was begun and not finished.
	Intent *Started `json:"intent,omitzero"`
	// Retry is whether that same step had been interrupted and not happened.
	Retry bool `json:"retry,omitzero"`
	// Skip is whether a step of the rung came to nothing, so that the rest of
	// the rung is left out.
	Skip bool `json:"skip,omitzero"`
	// Doubt is why nothing more may be tried before people decided, if so.
	Doubt string `json:"doubt,omitzero"`
	// Gathered is whether the evidence was taken.
	Gathered bool `json:"gathered,omitzero"`
	// Tried holds what came of each rung so far.
	Tried []Tried `json:"tried,omitzero"`
	// Invocations holds, for each thing it looked at or started, the invocation
	// that it knows: another one means that somebody else was there.
	Invocations map[Target]string `json:"invocations,omitzero"`

	// Verdict is the last answer of the gates, until something follows from it.
	Verdict *Verdict `json:"verdict,omitzero"`
	// Approved is the digest of the rung that a person said yes to, for that one
	// climb, and ApprovedAt when.
	Approved   string  `json:"approved,omitzero"`
	ApprovedAt Instant `json:"approvedAt,omitzero"`
	// Wait says what a waiting incident waits for.
	Wait *Waited `json:"wait,omitzero"`
	// Watch is the running verification, or the probing of an escalated incident.
	Watch *Watch `json:"watch,omitzero"`
	// Severity and Escalation are as they were in force when it was opened.
	Severity   Severity         `json:"severity,omitzero"`
	Escalation EscalationPolicy `json:"escalation,omitzero"`
	// Acknowledged is by whom it was taken last, if it was; Page how far its
	// escalation has come, while people have it.
	Acknowledged *Acknowledged `json:"acknowledged,omitzero"`
	Page         *Page         `json:"page,omitzero"`
	// Silences are those of Alertmanager that acknowledged it: each does so once.
	Silences []string `json:"silences,omitzero"`
	// Quiet is whether people hear of it with others, by one escalation.
	Quiet bool `json:"quiet,omitzero"`
	// Canceled is who wants it to stop after the step that is under way.
	Canceled *Answered `json:"canceled,omitzero"`
	// By and Comment are of the person who ended it.
	By      string `json:"by,omitzero"`
	Comment string `json:"comment,omitzero"`
}

// Tried is a rung that was climbed, and what came of it.
type Tried struct {
	Rung    int       `json:"rung"`
	Name    string    `json:"name"`
	Started Instant   `json:"started"`
	Ended   Instant   `json:"ended,omitzero"`
	Outcome Outcome   `json:"outcome,omitzero"`
	Results []Receipt `json:"results,omitzero"`
	// Along is what was started anew along with something else.
	Along []Target `json:"along,omitzero"`
}

// Watch is what probes have said since a moment.
type Watch struct {
	Started Instant `json:"started"`
	// Only is why nothing more is tried afterwards, if so.
	Only Reason `json:"only,omitzero"`
	// Last are the last answers, Worst their sum, and Since how long that sum
	// has been the same.
	Last  []Observation `json:"last,omitzero"`
	Worst Health        `json:"worst"`
	Since Instant       `json:"since,omitzero"`
	// Broke is whether they had been healthy and then were not.
	Broke   bool    `json:"broke,omitzero"`
	Outcome Outcome `json:"outcome,omitzero"`
	Detail  string  `json:"detail,omitzero"`
}

// Touching is what the incident may be acting on just now: what its rung
// touches, from the first intent to the end of the verification. A plan that
// waits for a person touches nothing.
func (i *Incident) Touching() []Target {
	if i.Intent != nil || i.climbing() != nil && i.State != Held {
		return i.Plan.Rungs[i.Rung].occupies()
	}
	return nil
}

// Yields reports whether an incident gives way to one that an alert opened: a person
// asked for it, and it is not acting on anything just now.
func (i *Incident) Yields() bool { return i.Asked != nil && len(i.Touching()) == 0 }

// Climbing reports whether a rung was begun whose outcome is not known yet.
func (i *Incident) Climbing() bool { return i.climbing() != nil }

// Untried reports whether a rung was begun of which nothing was done: its first step
// was interrupted, and did not happen.
func (i *Incident) Untried() bool {
	tried := i.climbing()
	return tried != nil && i.Intent == nil && len(tried.Results) == 0
}

// Climbed reports whether the rung that comes next was climbed and judged.
func (i *Incident) Climbed() bool {
	return len(i.Tried) > 0 && i.Tried[len(i.Tried)-1].Rung == i.Rung && !i.Tried[len(i.Tried)-1].Ended.IsZero()
}

// begun reports whether any of the present plan was done, so that the plan stays.
func (i *Incident) begun() bool { return i.Rung > 0 || i.climbing() != nil }

// hasActed reports whether any step of the incident came to something.
func (i *Incident) hasActed() bool {
	return slices.ContainsFunc(i.Tried, func(t Tried) bool { return len(t.Results) > 0 })
}

// climbing is the rung that was begun and not yet judged by its outcome; nil
// when there is none.
func (i *Incident) climbing() *Tried {
	if len(i.Tried) == 0 || !i.Tried[len(i.Tried)-1].Ended.IsZero() {
		return nil
	}
	return &i.Tried[len(i.Tried)-1]
}

// midway reports whether a rung is between steps of which each may only follow the
// one before: nothing holds it up, no gate, freeze, deadline or person, until it is
// through. A second deadline, from its first intent, is the end of that.
func (i *Incident) midway(now Instant) bool {
	rung, tried := i.rung(), i.climbing()
	if rung == nil || tried == nil || now.Since(tried.Started) >= max(i.Playbook.Deadline, rung.lasts()) {
		return false
	}
	_, more := i.NextStep()
	if i.Intent != nil {
		return i.Intent.What.Do == VerbPowerDown || rung.Bound(i.Intent.Step)
	}
	return more && rung.Bound(i.Step)
}

// Bound reports whether the next step may only follow the one before, which was
// begun: then the gates are not asked.
func (i *Incident) Bound(now Instant) bool { return i.Intent == nil && i.midway(now) }

// rung is the rung that comes next; a nil plan or a finished ladder has none.
func (i *Incident) rung() *PlannedRung {
	if i.Plan == nil || i.Rung >= len(i.Plan.Rungs) {
		return nil
	}
	return &i.Plan.Rungs[i.Rung]
}

// NextStep is the step that comes next, if there is one.
func (i *Incident) NextStep() (Step, bool) {
	rung := i.rung()
	if rung == nil || i.Skip || i.Step >= len(rung.Steps) {
		return Step{}, false
	}
	return rung.Steps[i.Step], true
}

// Due is when the incident has to be ended or with people, as it looks now: it is at
// least so old as the host is up since, if it is of an earlier boot, whatever the wall
// clock says.
func (i *Incident) Due(now Instant) Instant {
	due := i.LiveSince.Add(i.Playbook.Deadline)
	if due.Boot == "" || now.Boot == "" || due.Boot == now.Boot {
		return due
	}
	return sooner(due, now.Add(i.Playbook.Deadline-now.Up))
}

// Overdue reports whether that time has come, and nothing is half done. A wall
// clock that went back between two boots can't tell, and then it has: nothing is
// acted on for ever.
func (i *Incident) Overdue(now Instant) bool {
	if i.midway(now) {
		return false
	}
	return now.past(i.LiveSince, i.Playbook.Deadline) || i.Due(now).Until(now) <= 0
}

// lateReason is why people get an incident at its deadline.
func (i *Incident) lateReason() Reason {
	if i.State == Waiting && i.Wait != nil && i.Wait.asks() {
		return i.Wait.Reason
	}
	return ReasonDeadline
}

// unfinished says what an incident was at when its deadline came.
func (i *Incident) unfinished() string {
	rung := i.rung()
	switch {
	case rung != nil && i.climbing() != nil && rung.Bound(len(rung.Steps)):
		return "its deadline came half-way through " + rung.Name + ": the virtual machine may be down, and is held then; resume takes it up anew"
	case i.Intent != nil:
		return "its deadline came during " + i.Intent.What.String()
	case i.State == Waiting && i.Wait != nil:
		return "its deadline came while it waited: " + string(i.Wait.Reason)
	}
	return "its deadline came while it was " + string(i.State)
}

// Probes are what tells its health: the plan's, and those of what its rungs have taken
// along so far; without a plan those its playbook names.
func (i *Incident) Probes() []string {
	if i.Plan == nil {
		return i.Playbook.Verify.Healthy
	}
	probes := i.Plan.Probes
	for n, rung := range i.Plan.Rungs {
		if begun := n < i.Rung || n == i.Rung && (i.Climbing() || i.Climbed()); begun && len(rung.Probes) > 0 {
			probes = unique(slices.Concat(probes, rung.Probes))
		}
	}
	return probes
}

// move changes the state, or says that the table has no such transition.
func (i *Incident) move(to State, at Instant) error {
	if i.State == to {
		return nil
	}
	if !slices.Contains(Transitions[i.State], to) {
		return fmt.Errorf("cannot move incident %s from %s to %s: no such transition", i.ID, i.State, to)
	}
	i.State, i.Since = to, at
	return nil
}

// Clone is a copy that shares nothing which an event may change in place.
func (i *Incident) Clone() Incident {
	c := *i
	c.Holds, c.Silences = slices.Clone(i.Holds), slices.Clone(i.Silences)
	c.Tried = slices.Clone(i.Tried)
	for n := range c.Tried {
		c.Tried[n].Results = slices.Clone(c.Tried[n].Results)
		c.Tried[n].Along = slices.Clone(c.Tried[n].Along)
	}
	c.Invocations = maps.Clone(i.Invocations)
	if i.Watch != nil {
		watch := *i.Watch
		c.Watch = &watch
	}
	return c
}
