package e2e

import (
	"slices"
	"sync"
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/guard"
	"nightshift/remediate/oncall"
	"nightshift/test/stage"
)

func TestABrokenUnitIsRestartedOnceAndVerified(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	a.Break(t, stage.WebhookErrors)
	a.Send(webhookErrors)
	story := a.AwaitReason("webhook-errors", remediate.Resolved, remediate.ReasonFixed)
	if n := begun(story); n != 1 {
		t.Errorf("%d steps were begun, want 1", n)
	}
	a.WantStarts(stage.Dispatcher, 2)
}

func TestManyIdenticalWebhooksAtOnceAreOneRepair(t *testing.T) {
	const senders = 32
	a := on.Begin(t, stage.Option{})
	a.Break(t, stage.WebhookErrors)
	body := stage.Body(0, webhookErrors)
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			if status, answer, err := a.Post(body); status != 200 {
				t.Errorf("a webhook is answered %d %s (%v)", status, answer, err)
			}
		})
	}
	all.Wait()
	a.AwaitReason("webhook-errors", remediate.Resolved, remediate.ReasonFixed)
	a.Await("every alert to be dealt with", func() bool { return a.Metric("nightshift_alerts_total", `"repeated"`) == senders-1 })
	if n := len(a.Incidents()); n != 1 {
		t.Errorf("there are %d incidents, want 1", n)
	}
	a.WantStarts(stage.Dispatcher, 2)
}

func TestAUnitThatComesBackForAMomentOnlyIsNotFixed(t *testing.T) {
	moment := stage.Inventory{Verify: "{settle: 100ms, window: 3s, within: 12s, every: 100ms}"}
	t.Run("with a rung left, that one is tried", func(t *testing.T) {
		a := on.Begin(t, stage.Option{Inventory: moment})
		a.Mends(t, stage.Prometheus, stage.Memory)
		a.Lives(t, stage.Prometheus, "sleep 1; rm memory.ok; exec sleep infinity")
		a.Break(t, stage.Memory)
		a.Send(stage.Alert{Name: stage.HighMemoryAlert})
		story := a.AwaitReason("high-memory", remediate.Resolved, remediate.ReasonFixed)
		wantTried(t, story, remediate.NotFixed, remediate.Fixed)
		a.WantStarts(stage.Prometheus, 2)
		a.WantStarts(stage.Grafana, 2)
		a.WantStarts(stage.Nginx, 1)
	})
	t.Run("with none left, people get it", func(t *testing.T) {
		a := on.Begin(t, stage.Option{Inventory: moment})
		a.Lives(t, stage.Dispatcher, "exec sleep 1")
		a.Break(t, stage.WebhookErrors)
		a.Send(webhookErrors)
		story := a.AwaitReason("webhook-errors", remediate.Escalated, remediate.ReasonExhausted)
		wantTried(t, story, remediate.NotFixed)
		a.WantStarts(stage.Dispatcher, 2)
	})
}

// wantTried holds the outcomes of the rungs, in their order.
func wantTried(t *testing.T, story oncall.Story, want ...remediate.Outcome) {
	t.Helper()
	var got []remediate.Outcome
	for _, tried := range story.Incident.Tried {
		got = append(got, tried.Outcome)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rungs ended %v, want %v", got, want)
	}
}

func TestAUnitThatFailsAtOnceIsNoRestartStorm(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	a.Lives(t, stage.Dispatcher, "exit 1")
	a.Mends(t, stage.Dispatcher)
	a.Break(t, stage.WebhookErrors)
	a.Restart(t, stage.Dispatcher)
	gaveUp := func() bool { return a.State(t, stage.Dispatcher) == "failed (failed)" }
	a.Await("systemd to give up on the unit", gaveUp)
	before := len(a.Starts(t, stage.Dispatcher))

	a.Send(webhookErrors)
	story := a.AwaitReason("webhook-errors", remediate.Escalated, remediate.ReasonExhausted)
	a.Await("systemd to give up on the unit again", gaveUp)
	if n := begun(story); n != 1 {
		t.Errorf("%d steps were begun, want 1", n)
	}
	// One restart of ours, and at most as many as the unit's own StartLimitBurst=
	// of 5 lets Restart= add.
	ours := len(a.Starts(t, stage.Dispatcher)) - before
	if ours < 1 || ours > 5 {
		t.Errorf("the unit was started %d times more, want 1 to 5", ours)
	}
	for n := range 3 {
		a.Send(webhookErrors)
		a.Await("the repeat to be dealt with", func() bool { return a.Metric("nightshift_alerts_total", `"repeated"`) == float64(n+1) })
	}
	if after := len(a.Starts(t, stage.Dispatcher)) - before; after != ours {
		t.Errorf("repeats of the alert started the unit %d times more", after-ours)
	}
}

func TestTwoIncidentsThatTouchOneUnitNeverOverlap(t *testing.T) {
	a := on.Begin(t, stage.Option{Inventory: stage.Inventory{MaxActing: 5}})
	a.Mends(t, stage.Dispatcher) // nothing, so that both have a reason to restart it
	a.Break(t, stage.WebhookErrors)
	a.Slow(t, stage.Dispatcher)
	a.Send(webhookErrors)
	a.Await("the first restart to be under way", func() bool { return len(a.Starts(t, stage.Dispatcher)) == 2 })
	a.Send(stage.Alert{Name: stage.SystemDownAlert})
	a.AwaitReason("system-down", remediate.Waiting, guard.ReasonBusy)
	a.Quick(t, stage.Dispatcher)

	stories := a.AwaitQuiet()
	if len(stories) != 2 {
		t.Fatalf("there are %d incidents, want 2", len(stories))
	}
	for _, story := range stories {
		if _, ok := stage.HeldBy(story)[remediate.Unit(stage.Dispatcher)]; !ok {
			t.Errorf("incident %s of %s never touched the unit", story.Incident.ID, story.Incident.Playbook.Name)
		}
	}
	a.WantNoOverlap(stories)
	a.WantStarts(stage.Dispatcher, 1+1+2) // the stage's, the first's, and two rungs of the second's
}
