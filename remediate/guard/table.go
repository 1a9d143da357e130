package guard

import (
	"fmt"

	"nightshift/remediate"
)

// The reasons of the gates. What each means stands in the table.
const (
	ReasonFrozen                       = remediate.ReasonFrozen
	ReasonStorm                        = remediate.ReasonStorm
	ReasonObserveOnly remediate.Reason = "observe_only"
	ReasonNotListed   remediate.Reason = "not_listed"
	ReasonStale       remediate.Reason = "stale"
	ReasonTruncated   remediate.Reason = "truncated"
	ReasonBusy        remediate.Reason = "busy"
	ReasonSettling    remediate.Reason = "settling"
	ReasonUnreadable  remediate.Reason = "unreadable"
	ReasonCooldown    remediate.Reason = "cooldown"
	ReasonAttempts    remediate.Reason = "attempts_spent"
	ReasonDenied      remediate.Reason = "deny_list"
	ReasonApproval    remediate.Reason = "approval_wanted"
	ReasonGuestsTurn  remediate.Reason = "guests_turn"
	ReasonHostsTurn   remediate.Reason = "hosts_turn"
	ReasonRolledBack  remediate.Reason = "rolled_back_already"

	ReasonMaintenance     remediate.Reason = "maintenance"
	ReasonSilenced        remediate.Reason = "silenced"
	ReasonSourceSilent    remediate.Reason = "source_silent"
	ReasonStartingUp      remediate.Reason = "starting_up"
	ReasonRate            remediate.Reason = "rate"
	ReasonBreaker         remediate.Reason = "breaker_open"
	ReasonFlapping        remediate.Reason = "flapping"
	ReasonMinHealthy      remediate.Reason = "min_healthy"
	ReasonGroupUnreadable remediate.Reason = "group_unreadable"

	ReasonTakesUnread  remediate.Reason = "dependants_unreadable"
	ReasonTakesChanged remediate.Reason = "dependants_changed"
	ReasonTakesMore    remediate.Reason = "takes_more"
)

// Answer is what a gate can say beside allow: a row of the table of gates.
type Answer struct {
	Reason   remediate.Reason
	Decision remediate.Decision
	// Next is where a refusal leads; empty for a wait or a hold.
	Next remediate.State
	// Means says it to people.
	Means string
}

// Gate is one check.
type Gate struct {
	Name string
	ask  func(Facts) (remediate.Verdict, bool)
}

// Answers is every answer that the gate can give beside allow.
func (g Gate) Answers() []Answer { return table[g.Name] }

// Gates is every gate in the order in which they are asked.
var Gates = []Gate{
	{"frozen", frozen},
	{"observe-only", observeOnly},
	{"unknown target", unknownTarget},
	{"maintenance", maintenance},
	{"silence", silenced},
	{"stale", stale},
	{"truncated", truncated},
	{"source", source},
	{"person", person},
	{"host", aside},
	{"dependants", dependants},
	{"start-up", startingUp},
	{"storm", storm},
	{"busy", busy},
	{"guest", guest},
	{"cooldown", cooldown},
	{"attempts", attempts},
	{"rates", rates},
	{"breaker", breaker},
	{"flapping", flapping},
	{"minimum healthy", minHealthy},
	{"second rollback", swapped},
	{"deny list", denyList},
	{"approval", approval},
}

// table is what each gate can answer, and where that leads.
var table = map[string][]Answer{
	"frozen": {
		{remediate.ReasonFrozen, remediate.Refuse, remediate.Escalated, "somebody froze the agent"},
	},
	"observe-only": {
		{ReasonObserveOnly, remediate.Refuse, remediate.Observed, "the mode, the playbook, the rung or the target only observes"},
	},
	"unknown target": {
		{remediate.ReasonUnknownTarget, remediate.Refuse, remediate.Escalated, "the alert is about something that the inventory does not name, or what would be done takes such a thing along"},
		{ReasonNotListed, remediate.Refuse, remediate.Escalated, "what would be touched is not in the inventory, or does not exist on this host"},
	},
	"dependants": {
		{ReasonTakesUnread, remediate.Wait, "", "it can't be told what the step would take along"},
		{ReasonTakesChanged, remediate.Wait, "", "the step would take along more by now than its plan says: it is planned anew"},
		{ReasonTakesMore, remediate.Refuse, remediate.Escalated, "the ladder has begun, and its next step would take along more than its plan says"},
	},
	"maintenance": {
		{ReasonMaintenance, remediate.Refuse, remediate.Suppressed, "it is a time of maintenance: people work on it"},
	},
	"silence": {
		{ReasonSilenced, remediate.Refuse, remediate.Suppressed, "a person silenced the alert; the agent's own silences don't count"},
	},
	"source": {
		{ReasonSourceSilent, remediate.Wait, "", "nothing is heard of where the alert comes from, so nothing begins for it"},
	},
	"start-up": {
		{ReasonStartingUp, remediate.Wait, "", "the host booted a moment ago, and things may come up by themselves"},
	},
	"storm": {
		{remediate.ReasonStorm, remediate.Refuse, remediate.Escalated, "much broke at once, so what broke it is something else: nothing begins for a while, and people hear of it once"},
	},
	"rates": {
		{ReasonRate, remediate.Refuse, remediate.Escalated, "as much was done to it, by the playbook or on the host as may be in a time"},
	},
	"breaker": {
		{ReasonBreaker, remediate.Refuse, remediate.Escalated, "what was tried on it, or by the playbook, failed too often: it stays so until a person closes the breaker"},
	},
	"flapping": {
		{ReasonFlapping, remediate.Refuse, remediate.Escalated, "the alert comes back again and again"},
	},
	"minimum healthy": {
		{ReasonMinHealthy, remediate.Refuse, remediate.Escalated, "too few units of its group would stay healthy"},
		{ReasonGroupUnreadable, remediate.Wait, "", "it can't be told how many units of its group are healthy"},
	},
	"stale": {
		{ReasonStale, remediate.Refuse, remediate.Escalated, "the notification is old and no probe agrees"},
	},
	"truncated": {
		{ReasonTruncated, remediate.Refuse, remediate.Escalated, "the notification or the alert was cut, so not everything was seen"},
	},
	"person": {
		{remediate.ReasonPersonAtWork, remediate.Refuse, remediate.Verifying, "somebody else started or stopped it: nothing is done but verify"},
	},
	"busy": {
		{remediate.ReasonTargetTaken, remediate.Wait, "", "an earlier incident has the same target"},
		{ReasonBusy, remediate.Wait, "", "other incidents are acting on it, or on as much of this host as may be at once"},
		{ReasonSettling, remediate.Wait, "", "its own keeper is starting it, or a job is queued"},
		{ReasonUnreadable, remediate.Wait, "", "how it stands can't be read"},
	},
	"host": {
		{ReasonHostsTurn, remediate.Wait, "", "the host of this virtual machine acts on it, or watches it boot"},
	},
	"guest": {
		{ReasonGuestsTurn, remediate.Wait, "", "the agent inside the virtual machine has its turn first"},
	},
	"second rollback": {
		{ReasonRolledBack, remediate.Refuse, remediate.Escalated, "the virtual machine was rolled back a while ago, and it did not last"},
	},
	"cooldown": {
		{ReasonCooldown, remediate.Wait, "", "another incident acted on it a short while ago"},
	},
	"attempts": {
		{ReasonAttempts, remediate.Refuse, remediate.Escalated, "it was acted on as often as the playbook allows"},
	},
	"deny list": {
		{ReasonDenied, remediate.Refuse, remediate.Escalated, "it is on the deny list, and not allowed by name"},
	},
	"approval": {
		{ReasonApproval, remediate.Hold, "", "a person has to approve the plan"},
	},
}

// Judge asks the gates in order; the first that does not allow decides.
func Judge(f Facts) remediate.Verdict {
	for _, gate := range Gates {
		if verdict, stops := gate.ask(f); stops {
			verdict.Gate = gate.Name
			return verdict
		}
	}
	return remediate.Verdict{Decision: remediate.Allow}
}

// All asks every gate, for explain: one verdict each, in order.
func All(f Facts) []remediate.Verdict {
	verdicts := make([]remediate.Verdict, len(Gates))
	for n, gate := range Gates {
		verdict, stops := gate.ask(f)
		if !stops {
			verdict = remediate.Verdict{Decision: remediate.Allow}
		}
		verdict.Gate = gate.Name
		verdicts[n] = verdict
	}
	return verdicts
}

// say builds a verdict from the table's row for the reason.
func say(reason remediate.Reason, format string, args ...any) remediate.Verdict {
	answer := row(reason)
	return remediate.Verdict{
		Decision: answer.Decision, Reason: reason, Next: answer.Next, Detail: fmt.Sprintf(format, args...),
	}
}

// row finds a reason in the table; a reason that is not there refuses.
func row(reason remediate.Reason) Answer {
	for _, answers := range table {
		for _, answer := range answers {
			if answer.Reason == reason {
				return answer
			}
		}
	}
	return Answer{reason, remediate.Refuse, remediate.Escalated, ""}
}
