package faults

import (
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/guard"
	"nightshift/test/stage"
)

func TestKilledDuringTheRestartItIsNotAskedForTwice(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	a.Break(t, stage.WebhookErrors)
	a.Slow(t, stage.Dispatcher)
	a.Send(stage.Alert{Name: stage.WebhookErrorsAlert})
	a.Await("systemd to be at work", func() bool { return len(a.Starts(t, stage.Dispatcher)) == 2 })
	if err := a.KillAgent(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.Await("the agent to be back", func() bool { return a.AgentRestarts() == 1 })
	a.AwaitReady()
	a.Quick(t, stage.Dispatcher)

	story := a.AwaitReason("webhook-errors", remediate.Resolved, remediate.ReasonFixed)
	if n := stage.Count(story, remediate.StepStarted); n != 1 {
		t.Errorf("%d steps were begun, want the one that was found to have happened", n)
	}
	a.WantStarts(stage.Dispatcher, 1+1)
}

func TestADeadlineThatPassesWhileTheAgentIsDeadIsKept(t *testing.T) {
	const short = 4 * time.Second
	a := on.Begin(t, stage.Option{Inventory: stage.Inventory{
		Deadline: short.String(), Verify: "{settle: 100ms, window: 500ms, within: 2s, every: 100ms}",
	}})
	a.EndsByItself(stage.Dispatcher)
	a.Break(t, stage.WebhookErrors)
	a.Slow(t, stage.Dispatcher)
	a.StartAside(t, stage.Dispatcher)
	a.Send(stage.Alert{Name: stage.WebhookErrorsAlert})
	before := a.AwaitReason("webhook-errors", remediate.Waiting, guard.ReasonSettling)
	a.StopAgent()
	due := before.Incident.OpenedAt.Wall.Add(short)
	a.Await("the deadline", func() bool { return time.Now().After(due) })
	a.StartAgent()

	story := a.AwaitReason("webhook-errors", remediate.Escalated, remediate.ReasonDeadline)
	if n := stage.Count(story, remediate.StepStarted); n != 0 {
		t.Errorf("%d steps were begun, want none", n)
	}
	a.Quick(t, stage.Dispatcher)
}
