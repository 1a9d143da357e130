package e2e

import (
	"strings"
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/guard"
	"nightshift/test/stage"
)

func TestAPersonsStopDuringOurRestartIsNotFought(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	a.Break(t, stage.WebhookErrors)
	a.Slow(t, stage.Dispatcher)
	a.Send(webhookErrors)
	a.Await("our restart to be under way", func() bool { return len(a.Starts(t, stage.Dispatcher)) == 2 })
	a.Stop(t, stage.Dispatcher)

	story := a.AwaitReason("webhook-errors", remediate.Escalated, remediate.ReasonPersonAtWork)
	if n := begun(story); n != 1 {
		t.Errorf("%d steps were begun, want the one that was canceled", n)
	}
	for _, e := range story.Entries {
		if f := e.Event.Finished; f != nil && f.Receipt.Result != remediate.Canceled {
			t.Errorf("the step ended %q, want canceled", f.Receipt.Result)
		}
	}
	a.Quick(t, stage.Dispatcher)
	a.WantStarts(stage.Dispatcher, 2)
	if state := a.State(t, stage.Dispatcher); strings.HasPrefix(state, "active") {
		t.Errorf("the unit is %s, want it down as the person left it", state)
	}
}

func TestAUnitThatAPersonStoppedIsLeftStopped(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	a.Stop(t, stage.Dispatcher)
	a.Break(t, stage.WebhookErrors)
	a.Send(webhookErrors)
	story := a.AwaitReason("webhook-errors", remediate.Escalated, remediate.ReasonPersonAtWork)
	if n := begun(story); n != 0 {
		t.Errorf("%d steps were begun, want none", n)
	}
	a.WantStarts(stage.Dispatcher, 1)
}

func TestAPersonsRestartBeforeOurActIsOnlyVerified(t *testing.T) {
	cases := []struct {
		name   string
		mends  []string
		state  remediate.State
		reason remediate.Reason
	}{
		{"and it helped", []string{stage.WebhookErrors}, remediate.Cleared, remediate.ReasonHealthy},
		{"and it did not help", nil, remediate.Escalated, remediate.ReasonPersonAtWork},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := on.Begin(t, stage.Option{Inventory: stage.Inventory{Attempts: "{max: 3, per: 1h, cooldown: 4s}"}})
			a.Break(t, stage.WebhookErrors)
			a.Send(stage.Alert{Name: stage.WebhookErrorsAlert, Case: "first"})
			a.AwaitIncident("webhook-errors", remediate.Resolved)

			a.Mends(t, stage.Dispatcher, c.mends...)
			a.Break(t, stage.WebhookErrors)
			second := stage.Alert{Name: stage.WebhookErrorsAlert, Case: "second"}
			a.Send(second)
			a.AwaitReason("webhook-errors", remediate.Waiting, guard.ReasonCooldown)
			a.Restart(t, stage.Dispatcher)
			if len(c.mends) > 0 {
				a.Send(second.Gone())
			}
			story := a.AwaitReason("webhook-errors", c.state, c.reason)
			if n := begun(story); n != 0 {
				t.Errorf("%d steps were begun, want none: a person was there first", n)
			}
			a.WantStarts(stage.Dispatcher, 1+1+1) // the stage's, ours, the person's
		})
	}
}
