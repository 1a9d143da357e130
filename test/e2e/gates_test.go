package e2e

import (
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/guard"
	"nightshift/remediate/oncall"
	"nightshift/test/stage"
)

// webhookErrors is an alert that the playbook webhook-errors is for.
var webhookErrors = stage.Alert{Name: stage.WebhookErrorsAlert, Case: "1"}

// begun counts the steps that were begun in a story.
func begun(story oncall.Story) int { return stage.Count(story, remediate.StepStarted) }

func TestEachGateKeepsTheAgentFromActing(t *testing.T) {
	broken := func(t *testing.T, a *stage.Agent) { a.Break(t, stage.WebhookErrors) }
	cases := []struct {
		name      string
		option    stage.Option
		arrange   func(t *testing.T, a *stage.Agent)
		alert     stage.Alert
		truncated int
		playbook  string
		state     remediate.State
		reason    remediate.Reason
	}{
		{
			name: "observe mode", option: stage.Option{Env: []string{"NIGHTSHIFT_MODE=observe"}}, arrange: broken,
			alert: webhookErrors, playbook: "webhook-errors", state: remediate.Observed, reason: guard.ReasonObserveOnly,
		},
		{
			name: "a playbook that observes", option: stage.Option{Inventory: stage.Inventory{Autonomy: "observe"}}, arrange: broken,
			alert: webhookErrors, playbook: "webhook-errors", state: remediate.Observed, reason: guard.ReasonObserveOnly,
		},
		{
			name: "a playbook that needs approval", option: stage.Option{Inventory: stage.Inventory{Autonomy: "approve"}}, arrange: broken,
			alert: webhookErrors, playbook: "webhook-errors", state: remediate.Held, reason: guard.ReasonApproval,
		},
		{
			name: "a notification that was cut", arrange: broken, truncated: 1,
			alert: webhookErrors, playbook: "webhook-errors", state: remediate.Escalated, reason: guard.ReasonTruncated,
		},
		{
			name: "a freeze by a file", arrange: func(t *testing.T, a *stage.Agent) {
				broken(t, a)
				if err := a.World.WriteFile("/etc/nightshift/freeze", []byte("no changes before the audit\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			},
			alert: webhookErrors, playbook: "webhook-errors", state: remediate.Escalated, reason: guard.ReasonFrozen,
		},
		{
			name: "a unit that the host does not have", arrange: func(t *testing.T, a *stage.Agent) {
				a.Uninstall(t, stage.Dispatcher)
				broken(t, a)
			},
			alert: webhookErrors, playbook: "webhook-errors", state: remediate.Escalated, reason: guard.ReasonNotListed,
		},
		{
			name:   "a unit on the deny list",
			option: stage.Option{Inventory: stage.Inventory{Units: []string{stage.Denied + ": {}"}}},
			arrange: func(t *testing.T, a *stage.Agent) {
				a.EndsByItself(stage.Denied)
			},
			alert:    stage.Alert{Name: stage.SystemDownAlert},
			playbook: "system-down", state: remediate.Escalated, reason: guard.ReasonDenied,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := on.Begin(t, c.option)
			c.arrange(t, a)
			before := len(a.Starts(t, stage.Dispatcher)) + len(a.Starts(t, stage.Denied))
			if status, answer, err := a.Post(stage.Body(c.truncated, c.alert)); status != 200 {
				t.Fatalf("the webhook is answered %d %s (%v)", status, answer, err)
			}
			story := a.AwaitReason(c.playbook, c.state, c.reason)
			if n := begun(story); n != 0 {
				t.Errorf("%d steps were begun, want none", n)
			}
			if after := len(a.Starts(t, stage.Dispatcher)) + len(a.Starts(t, stage.Denied)); after != before {
				t.Errorf("units were started %d times, want none", after-before)
			}
			if a.Metric("nightshift_refusals_total", `reason="`+string(c.reason)+`"`) != 1 {
				t.Errorf("the refusal is not counted as %s", c.reason)
			}
		})
	}
}

func TestAFreezeHoldsUntilItIsThawedAndPeopleHandBack(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	a.Nightshift("freeze", "we", "are", "moving", "racks")
	a.Break(t, stage.WebhookErrors)
	a.Send(webhookErrors)
	story := a.AwaitReason("webhook-errors", remediate.Escalated, guard.ReasonFrozen)

	// A freeze outlives the agent.
	a.StopAgent()
	a.StartAgent()
	a.Say(oncall.Resume, oncall.Request{Incident: string(story.Incident.ID)})
	a.Await("the incident to be with people again", func() bool {
		return stage.Count(a.Story(story.Incident.ID), remediate.IncidentEscalated) == 2
	})
	a.WantStarts(stage.Dispatcher, 1)

	a.Nightshift("thaw")
	a.Nightshift("resume", "--comment", "the racks are moved", string(story.Incident.ID))
	a.AwaitReason("webhook-errors", remediate.Resolved, remediate.ReasonFixed)
	a.WantStarts(stage.Dispatcher, 2)
}

func TestAttemptsAreBoundedAcrossIncidents(t *testing.T) {
	a := on.Begin(t, stage.Option{Inventory: stage.Inventory{Attempts: "{max: 2, per: 1h, cooldown: 1ms}"}})
	a.Mends(t, stage.Dispatcher) // nothing: its restart is of no use
	a.Break(t, stage.WebhookErrors)
	for n, reason := range []remediate.Reason{remediate.ReasonExhausted, remediate.ReasonExhausted, guard.ReasonAttempts} {
		a.Send(stage.Alert{Name: stage.WebhookErrorsAlert, Case: string(rune('a' + n))})
		story := a.AwaitReason("webhook-errors", remediate.Escalated, reason)
		a.Say(oncall.Close, oncall.Request{Incident: string(story.Incident.ID), Force: true})
	}
	a.WantStarts(stage.Dispatcher, 1+2)
}

func TestAUnitCoolsDownBetweenTwoIncidents(t *testing.T) {
	const cooldown = 3 * time.Second
	a := on.Begin(t, stage.Option{Inventory: stage.Inventory{Attempts: "{max: 3, per: 1h, cooldown: 3s}"}})
	a.Break(t, stage.WebhookErrors)
	a.Send(stage.Alert{Name: stage.WebhookErrorsAlert, Case: "first"})
	first := a.AwaitReason("webhook-errors", remediate.Resolved, remediate.ReasonFixed)

	a.Break(t, stage.WebhookErrors)
	a.Send(stage.Alert{Name: stage.WebhookErrorsAlert, Case: "second"})
	a.AwaitReason("webhook-errors", remediate.Waiting, guard.ReasonCooldown)
	var second oncall.Story
	a.Await("the second repair", func() bool {
		stories := a.Stories()
		second = stories[len(stories)-1]
		return second.Incident.State == remediate.Resolved
	})
	if rest := at(second, remediate.StepStarted).Since(at(first, remediate.VerifyFinished)); rest < cooldown {
		t.Errorf("the unit was acted on again after %s, want at least %s", rest, cooldown)
	}
	a.WantStarts(stage.Dispatcher, 1+2)
}

// at is when an event of that type was recorded first.
func at(story oncall.Story, kind remediate.EventType) remediate.Instant {
	for _, e := range story.Entries {
		if e.Type == kind {
			return e.At
		}
	}
	return remediate.Instant{}
}

func TestAnAlertThatNoPlaybookIsForOpensNothing(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	a.Send(stage.Alert{Name: "SomethingElse"})
	a.Await("the alert to be counted", func() bool { return a.Metric("nightshift_alerts_total", `"unmatched"`) == 1 })
	if n := len(a.Incidents()); n != 0 {
		t.Errorf("there are %d incidents, want none", n)
	}
}
