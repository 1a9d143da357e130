package e2e

import (
	"slices"
	"strings"
	"testing"

	"nightshift/remediate"
	"nightshift/test/stage"
)

// What hangs on a unit goes along with its restart: the plan says so, it counts as
// touched, and the start is taken for nobody else's.
func TestWhatHangsOnAUnitGoesAlong(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	a.Hangs(t, stage.Nginx, stage.Dispatcher)
	a.Break(t, stage.WebhookErrors)
	a.Send(webhookErrors)
	story := a.AwaitReason("webhook-errors", remediate.Resolved, remediate.ReasonFixed)

	step := story.Incident.Plan.Rungs[0].Steps[0]
	if !slices.Equal(step.Takes, []remediate.Target{remediate.Unit(stage.Nginx)}) {
		t.Errorf("the plan is %s, which takes along %v", step, step.Takes)
	}
	if !slices.Contains(story.Incident.Probes(), remediate.UnitProbe(stage.Nginx)) {
		t.Errorf("asked afterwards were %v", story.Incident.Probes())
	}
	a.WantStarts(stage.Dispatcher, 2)
	a.WantStarts(stage.Nginx, 2)
}

// Every unit of the site is restarted once, also those that go along with another.
func TestNothingIsRestartedTwiceInARung(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	a.Hangs(t, stage.Nginx, stage.Grafana)
	a.Hangs(t, stage.Grafana, stage.Dispatcher)
	a.Break(t, stage.WebhookErrors)
	a.Mends(t, stage.Prometheus, stage.WebhookErrors) // so that only the second rung helps
	a.Mends(t, stage.Dispatcher)
	a.Send(stage.Alert{Name: stage.SystemDownAlert})
	story := a.AwaitReason("system-down", remediate.Resolved, remediate.ReasonFixed)
	if n := len(story.Incident.Tried); n != 2 {
		t.Fatalf("%d rungs were climbed, want 2", n)
	}
	a.WantStarts(stage.Dispatcher, 1+2)
	a.WantStarts(stage.Grafana, 1+2)
	a.WantStarts(stage.Nginx, 1+2)
	a.WantStarts(stage.Prometheus, 1+1)
}

// What the inventory does not name is not taken along: people hear of it by its name.
func TestWhatTheInventoryDoesNotNameIsNotTakenAlong(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	a.Hangs(t, stage.Denied, stage.Dispatcher)
	a.Break(t, stage.WebhookErrors)
	a.Send(webhookErrors)
	story := a.AwaitReason("webhook-errors", remediate.Escalated, remediate.ReasonUnknownTarget)
	if !strings.Contains(story.Incident.Detail, stage.Denied) {
		t.Errorf("people are told %q", story.Incident.Detail)
	}
	a.WantStarts(stage.Dispatcher, 1)
	a.WantStarts(stage.Denied, 1)
}

// A person starts a playbook without an alert, sees what that takes along, and follows
// it to its end.
func TestAPersonRunsAPlaybook(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	a.Hangs(t, stage.Nginx, stage.Dispatcher)
	a.Break(t, stage.WebhookErrors)
	if said := a.Nightshift("playbook", "run", "webhook-errors", "--dry-run"); !strings.Contains(said, "takes along "+stage.Nginx) {
		t.Errorf("beforehand it says:\n%s", said)
	}
	a.WantStarts(stage.Dispatcher, 1)
	if said := a.Nightshift("playbook", "run", "webhook-errors", "--yes", "--comment", "it is late"); !strings.Contains(said, "resolved") {
		t.Errorf("afterwards it says:\n%s", said)
	}
	if asked := a.Incidents()[0].AskedBy; asked == "" {
		t.Error("nobody asked for it")
	}
	a.WantStarts(stage.Dispatcher, 2)
	a.WantStarts(stage.Nginx, 2)
}
