package faults

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/guard"
	"nightshift/test/stage"
)

// stateDir is where the agent keeps its log.
const stateDir = "/var/lib/nightshift"

// onSmallDisk gives the agent a state directory with little room until the test
// ends.
func onSmallDisk(t *testing.T) *stage.Agent {
	t.Helper()
	a := on.Prepare(t, stage.Option{})
	if _, err := a.World.Exec(t.Context(), "mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", stateDir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.StopAgent()
		if _, err := a.World.Exec(context.WithoutCancel(t.Context()), "umount", stateDir); err != nil {
			t.Error(err)
		}
	})
	a.StartAgent()
	return a
}

// fill takes all room that is left on the agent's disk.
func fill(t *testing.T, a *stage.Agent) {
	t.Helper()
	_, err := a.World.Exec(t.Context(), "dd", "if=/dev/zero", "of="+stateDir+"/ballast", "bs=64k")
	if err == nil || !strings.Contains(err.Error(), "No space left") {
		t.Fatalf("filling the disk ended with %v", err)
	}
}

// free gives the room back.
func free(t *testing.T, a *stage.Agent) {
	t.Helper()
	if _, err := a.World.Exec(t.Context(), "rm", stateDir+"/ballast"); err != nil {
		t.Fatal(err)
	}
}

func TestAFullDiskStopsActsAndIsRecoveredFrom(t *testing.T) {
	a := onSmallDisk(t)
	// One incident waits for the unit that somebody starts, when the disk fills up.
	a.EndsByItself(stage.Dispatcher)
	a.Break(t, stage.WebhookErrors)
	a.Mends(t, stage.Dispatcher) // nothing: there is a reason to act when it is up
	a.Slow(t, stage.Dispatcher)
	a.StartAside(t, stage.Dispatcher)
	a.Await("the unit to be starting", func() bool { return len(a.Starts(t, stage.Dispatcher)) == 3 })
	a.Send(stage.Alert{Name: stage.WebhookErrorsAlert})
	a.AwaitReason("webhook-errors", remediate.Waiting, guard.ReasonSettling)
	fill(t, a)
	a.Quick(t, stage.Dispatcher)

	a.Await("the agent to refuse webhooks", func() bool {
		status, _, err := a.Post(stage.Body(0, stage.Alert{Name: stage.HighMemoryAlert}))
		return err == nil && status == http.StatusServiceUnavailable
	})
	a.Await("the agent not to be ready", func() bool {
		status, _, err := a.Get(t.Context(), "/-/ready")
		return err == nil && status == http.StatusServiceUnavailable
	})
	a.Await("the unit to run", func() bool { return a.State(t, stage.Dispatcher) == "active (running)" })
	a.Await("the agent to say that it cannot record", func() bool { return a.Said("cannot record an event") })
	a.WantStarts(stage.Dispatcher, 3)

	a.Mends(t, stage.Dispatcher, stage.WebhookErrors)
	free(t, a)
	a.AwaitReady()
	a.Deliver(stage.Alert{Name: stage.HighMemoryAlert, Case: "after"})
	a.AwaitReason("webhook-errors", remediate.Resolved, remediate.ReasonFixed)
	a.WantStarts(stage.Dispatcher, 3+1)
	a.WantSound()
}
