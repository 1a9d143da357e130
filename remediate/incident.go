package remediate

import (
	"fmt"
	"slices"
	"time"

	"nightshift/alerts"
)

// State is where an incident stands.
//
//	            alert
//	              │
//	 ┌──────── Waiting ◄──────┐
//	 │            ▲           │ wait
//	 ▼    wait    │           │
//	Open ─────────┴─► Held    │
//	 ▲ │                │ yes │
//	 │ │ allow          ▼     │
//	 │ ├────────────► Acting ─┤
//	 │ │                │     │ hold
//	 │ │ a person       ▼     └───► Held
//	 │ └────────────► Verifying ──► Resolved
//	 │  not fixed       │
//	 └──────────────────┤        every live state ──► Escalated, Closed
//	                    ▼        Open, Waiting, Held, Escalated ──► Cleared
//	                Escalated    Open, Waiting, Held ──► Declined, Suppressed, Observed
//
// Transitions holds the same as a table.
type State string

// The states. Undoing is that of an act that is taken back.
const (
	Open      State = "open"
	Waiting   State = "waiting"
	Held      State = "held"
	Acting    State = "acting"
	Verifying State = "verifying"
	Undoing   State = "undoing"
	Escalated State = "escalated"

	Resolved   State = "resolved"
	Cleared    State = "cleared"
	Closed     State = "closed"
	Declined   State = "declined"
	Suppressed State = "suppressed"
	Observed   State = "observed"
)

// LiveStates and EndedStates list all of them, in the order above.
var (
	LiveStates  = []State{Open, Waiting, Held, Acting, Verifying, Undoing, Escalated}
	EndedStates = []State{Resolved, Cleared, Closed, Declined, Suppressed, Observed}
)

// Transitions says which state may follow which. No state follows an ended one.
var Transitions = map[State][]State{
	Open:      {Waiting, Held, Acting, Verifying, Escalated, Cleared, Closed, Declined, Suppressed, Observed},
	Waiting:   {Open, Held, Acting, Verifying, Escalated, Cleared, Closed, Declined, Suppressed, Observed},
	Held:      {Open, Waiting, Acting, Escalated, Cleared, Closed, Declined, Suppressed, Observed},
	Acting:    {Waiting, Held, Verifying, Undoing, Escalated, Closed},
	Verifying: {Open, Undoing, Resolved, Cleared, Escalated, Closed},
	Undoing:   {Verifying, Escalated, Closed},
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

	// Alert is the one that opened it, Firing whether it still holds.
	Alert     alerts.Alert `json:"alert"`
	Firing    bool         `json:"firing"`
	Received  Instant      `json:"received"`
	Truncated bool         `json:"truncated,omitzero"`
	Follows   ID           `json:"follows,omitzero"`

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
	// Gathered is whether the evidence was taken.
	Gathered bool `json:"gathered,omitzero"`
	// Tried holds what came of each rung so far.
	Tried []Tried `json:"tried,omitzero"`
	// Invocations holds, for each thing it looked at or started, the invocation
	// that it knows: another one means that somebody else was there.
	Invocations map[Target]string `json:"invocations,omitzero"`

	// Verdict is the last answer of the gates, until something follows from it.
	Verdict *Verdict `json:"verdict,omitzero"`
	// Approved is the digest of the plan that a person said yes to.
	Approved string `json:"approved,omitzero"`
	// Wait says what a waiting incident waits for.
	Wait *Waited `json:"wait,omitzero"`
	// Watch is the running verification, or the probing of an escalated incident.
	Watch *Watch `json:"watch,omitzero"`
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
// touches, from the first intent to the end of the verification.
func (i *Incident) Touching() []Target {
	begun := i.Intent != nil || i.Step > 0 || i.Skip
	if i.State == Acting && begun || i.State == Verifying && i.climbing() != nil || i.State == Escalated && i.Intent != nil {
		return i.Plan.Rungs[i.Rung].Touches()
	}
	return nil
}

// climbing is the rung that was begun and not yet judged by its outcome; nil
// when there is none.
func (i *Incident) climbing() *Tried {
	if len(i.Tried) == 0 || !i.Tried[len(i.Tried)-1].Ended.IsZero() {
		return nil
	}
	return &i.Tried[len(i.Tried)-1]
}

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

// Due is when the incident has to be ended or with people.
func (i *Incident) Due() Instant { return i.LiveSince.Add(i.Playbook.Deadline) }

// Probes are what tells its health: the plan's, else those its playbook names.
func (i *Incident) Probes() []string {
	if i.Plan != nil {
		return i.Plan.Probes
	}
	return i.Playbook.Verify.Healthy
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

// elapsed is how long the incident has been in its state.
func (i *Incident) elapsed(now Instant) time.Duration { return now.Since(i.Since) }
