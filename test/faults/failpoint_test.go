package faults

import (
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/failpoint"
	"nightshift/remediate/oncall"
	"nightshift/test/stage"
)

// armed is the setting that has the agent kill itself where it first comes to a
// failpoint.
func armed(name string) stage.Option {
	return stage.Option{Env: []string{"NIGHTSHIFT_FAILPOINT=" + name}}
}

func TestKilledAtAnyBoundaryARestartIsDoneExactlyOnce(t *testing.T) {
	for _, name := range failpoint.Names() {
		t.Run(name, func(t *testing.T) {
			a := on.Prepare(t, armed(name))
			a.StartAside(t, stage.AgentUnit)
			a.Await("the agent to have been started", func() bool { return a.AgentRuns() })
			a.Configure(stage.Option{}) // what systemd starts after the kill has no failpoint
			a.Break(t, stage.WebhookErrors)

			a.Deliver(stage.Alert{Name: stage.WebhookErrorsAlert})
			a.Await("the agent to be killed and come back", func() bool { return a.AgentRestarts() == 1 })
			a.AwaitReady()
			story := a.AwaitReason("webhook-errors", remediate.Resolved, remediate.ReasonFixed)

			if n := len(a.Incidents()); n != 1 {
				t.Errorf("there are %d incidents, want 1", n)
			}
			if n := attempts(story)[stage.Dispatcher]; n != 1 {
				t.Errorf("the log holds %d attempts, want 1", n)
			}
			a.WantStarts(stage.Dispatcher, 1+1)
		})
	}
}

// attempts counts the steps that were begun on each unit. A step that certainly had
// not happened when the agent came back, and was begun again, is the same attempt.
func attempts(story oncall.Story) map[string]int {
	counts := map[string]int{}
	var begun string
	for _, e := range story.Entries {
		if s := e.Event.Started; s != nil {
			begun = s.What.On.Name
			counts[begun]++
		}
		if f := e.Event.Finished; f != nil && f.NotDone {
			counts[begun]--
		}
	}
	return counts
}
