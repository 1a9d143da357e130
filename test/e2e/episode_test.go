package e2e

import (
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/guard"
	"nightshift/test/stage"
)

// repeats counts the notifications that said what was known.
func repeats(a *stage.Agent) float64 { return a.Metric("nightshift_alerts_total", `"repeated"`) }

// awaitRepeats waits for so many more.
func awaitRepeats(a *stage.Agent, more float64) {
	from := repeats(a)
	a.Await("Alertmanager to repeat itself", func() bool { return repeats(a) >= from+more })
}

func TestAFiringAlertIsRepairedOnceHoweverOftenItIsRepeated(t *testing.T) {
	forEachRelease(t, func(t *testing.T, a *stage.Agent, am *alertmanager) {
		a.Break(t, stage.WebhookErrors)
		am.tell(webhookErrors)
		ended := a.AwaitReason("webhook-errors", remediate.Resolved, remediate.ReasonFixed)
		a.WantStarts(stage.Dispatcher, 2)

		awaitRepeats(a, 3)
		if n := len(a.Incidents()); n != 1 {
			t.Errorf("after 3 repeats there are %d incidents, want 1", n)
		}
		if now := a.Story(ended.Incident.ID); len(now.Entries) != len(ended.Entries) {
			t.Errorf("repeats after its end added %d events to the incident", len(now.Entries)-len(ended.Entries))
		}
		a.WantStarts(stage.Dispatcher, 2)
	})
}

func TestAUnitThatCannotBeFixedIsEscalatedOnce(t *testing.T) {
	forEachRelease(t, func(t *testing.T, a *stage.Agent, am *alertmanager) {
		a.Mends(t, stage.Dispatcher) // nothing: its restart is of no use
		a.Break(t, stage.WebhookErrors)
		am.tell(webhookErrors)
		story := a.AwaitReason("webhook-errors", remediate.Escalated, remediate.ReasonExhausted)

		awaitRepeats(a, 3)
		if n := stage.Count(a.Story(story.Incident.ID), remediate.IncidentEscalated); n != 1 {
			t.Errorf("people were called %d times, want once", n)
		}
		if n := len(a.Incidents()); n != 1 {
			t.Errorf("after 3 repeats there are %d incidents, want 1", n)
		}
		a.WantStarts(stage.Dispatcher, 2)
	})
}

func TestFiringResolvedFiringIsOneIncident(t *testing.T) {
	forEachRelease(t, func(t *testing.T, a *stage.Agent, am *alertmanager) {
		a.Break(t, stage.WebhookErrors)
		am.tell(webhookErrors)
		story := a.AwaitReason("webhook-errors", remediate.Resolved, remediate.ReasonFixed)
		for n, next := range []stage.Alert{webhookErrors.Gone(), webhookErrors, webhookErrors.Gone()} {
			am.tell(next)
			a.Await("the incident to hear of it", func() bool {
				return stage.Count(a.Story(story.Incident.ID), remediate.IncidentJoined) == n+1
			})
		}
		if n := len(a.Incidents()); n != 1 {
			t.Errorf("there are %d incidents, want 1", n)
		}
		a.WantStarts(stage.Dispatcher, 2)
	})
}

func TestAnAlertThatEndsBeforeTheActIsCleared(t *testing.T) {
	forEachRelease(t, func(t *testing.T, a *stage.Agent, am *alertmanager) {
		// Somebody starts the unit, which takes a while: the agent waits for that.
		a.EndsByItself(stage.Dispatcher)
		a.Break(t, stage.WebhookErrors)
		a.Slow(t, stage.Dispatcher)
		before := len(a.Starts(t, stage.Dispatcher))
		a.StartAside(t, stage.Dispatcher)
		am.tell(webhookErrors)
		story := a.AwaitReason("webhook-errors", remediate.Waiting, guard.ReasonSettling)
		am.tell(webhookErrors.Gone())
		a.Await("the incident to hear that it is over", func() bool { return !a.Story(story.Incident.ID).Incident.Firing })
		a.Quick(t, stage.Dispatcher)

		story = a.AwaitReason("webhook-errors", remediate.Cleared, remediate.ReasonHealthy)
		if n := begun(story); n != 0 {
			t.Errorf("%d steps were begun, want none", n)
		}
		a.WantStarts(stage.Dispatcher, before+1)
	})
}

func TestAPairOfAlertmanagersThatBothSendIsOneRepair(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	pair := []*alertmanager{startAlertmanager(t, a, releases[0], 9093), startAlertmanager(t, a, releases[1], 9094)}
	a.Break(t, stage.WebhookErrors)
	for _, am := range pair {
		am.tell(webhookErrors)
	}
	story := a.AwaitReason("webhook-errors", remediate.Resolved, remediate.ReasonFixed)
	awaitRepeats(a, 4)
	for _, am := range pair {
		am.tell(webhookErrors.Gone())
	}
	a.Await("the incident to hear that it is over", func() bool { return !a.Story(story.Incident.ID).Incident.Firing })
	if n := len(a.Incidents()); n != 1 {
		t.Errorf("there are %d incidents, want 1", n)
	}
	a.WantStarts(stage.Dispatcher, 2)
}
