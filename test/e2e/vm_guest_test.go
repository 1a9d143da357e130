package e2e

import (
	"os"
	"strings"
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/guard"
	"nightshift/remediate/oncall"
	"nightshift/test/guest"
	"nightshift/test/stage"
	"nightshift/test/world"
)

// once is what the agent inside may do in an hour.
var once = stage.Inventory{Attempts: "{max: 1, per: 1h, cooldown: 30m}"}

// spent is the memory of an agent that has repaired a unit: a real one of a real
// systemd, which the small machine does not have. It returns the directory that it
// lies in, and that incident.
func spent(t *testing.T) (state string, repaired oncall.Story) {
	t.Helper()
	a := on.Begin(t, stage.Option{Inventory: once})
	a.Break(t, stage.WebhookErrors)
	a.Mends(t, stage.Dispatcher, stage.WebhookErrors)
	a.Send(webhookErrors)
	repaired = a.AwaitIncident("webhook-errors", remediate.Resolved)
	a.StopAgent()
	state = t.TempDir()
	if err := os.CopyFS(state, os.DirFS(a.StateDir())); err != nil {
		t.Fatal(err)
	}
	return state, repaired
}

// TestTheAgentInsideForgetsNothingWhenItsMachineGoesBack has a machine with an agent
// inside that has acted, waits with another alert, and is frozen; then a person takes
// the update back.
func TestTheAgentInsideForgetsNothingWhenItsMachineGoesBack(t *testing.T) {
	state, repaired := spent(t)
	a, inside := on.VMHost(t).BeginInhabited(t, stage.VMInventory{BootsWithin: "60s"}, once, state)
	a.Unwatched()

	image, err := a.VM.Incoming(t.Context(), guest.Image{Name: "next-2", Behaviour: guest.Healthy})
	if err != nil {
		t.Fatal(err)
	}
	goTo(t, a, oncall.Order{Playbook: "vm-deploy", Image: image}, "put the image in place")
	epoch, status := inside.AwaitUp("")
	if status.Mode != "act" || status.Frozen != nil || status.Degraded["inside"] != "" || status.Degraded["systemd"] == "" {
		t.Errorf("the agent inside is %+v, want one that may act, and lacks a systemd", status)
	}
	inside.Send(stage.Alert{Name: stage.WebhookErrorsAlert, Case: "before"})
	a.Await("the alert to wait for the host's turn", func() bool {
		stories := inside.Stories()
		last := stories[len(stories)-1].Incident
		return last.State == remediate.Waiting && last.Wait != nil && last.Wait.Reason == guard.ReasonHostsTurn
	})
	var reply oncall.Reply
	inside.Ask(&reply, "freeze", "we", "look", "at", "it")

	story := goTo(t, a, oncall.Order{Playbook: "vm-rollback"}, "go back")
	a.AwaitServed(world.FirstImage.Name)
	wantTold(t, story)
	_, status = inside.AwaitUp(epoch)
	if status.Mode != "act" || status.Frozen == nil || status.Frozen.Reason != "we look at it" {
		t.Errorf("after the rollback the agent inside is %+v, want it frozen as it was", status)
	}
	wantRefusals(t, inside, guard.ReasonFrozen, guard.ReasonHostsTurn, guard.ReasonCooldown, guard.ReasonAttempts)
	stories := inside.Stories()
	if len(stories) != 2 || stories[0].Incident.ID != repaired.Incident.ID {
		t.Fatalf("after the rollback there are %d incidents inside, want the repair and what waited", len(stories))
	}
	if i := stories[1].Incident; i.State != remediate.Escalated || i.Reason != remediate.ReasonWentBack {
		t.Errorf("what waited is %s (%s), want it with people because the machine went back", i.State, i.Reason)
	}

	inside.Ask(&reply, "thaw")
	inside.Send(stage.Alert{Name: stage.WebhookErrorsAlert, Case: "after"}) // once this is read, so is all from before
	a.Await("the alert to be read", func() bool {
		return stage.Count(inside.Stories()[1], remediate.IncidentJoined) > stage.Count(stories[1], remediate.IncidentJoined)
	})
	wantRefusals(t, inside, guard.ReasonHostsTurn, guard.ReasonCooldown, guard.ReasonAttempts)
	for n, want := range []int{begun(repaired), 0} {
		if got := begun(inside.Stories()[n]); got != want {
			t.Errorf("incident %d inside has begun %d steps, want %d", n+1, got, want)
		}
	}
	a.WantSound()
}

// goTo orders it, approves it, and wants it done.
func goTo(t *testing.T, a *stage.VMAgent, o oncall.Order, rung string) oncall.Story {
	t.Helper()
	id := a.Order(o)
	a.AwaitHeld(id, rung)
	a.Approve(id)
	story := a.AwaitState(id, remediate.Resolved)
	if story.Incident.State != remediate.Resolved {
		t.Fatalf("%s is %s (%s)", o.Playbook, story.Incident.State, story.Incident.Detail)
	}
	return story
}

// wantTold holds that the agent inside knew before the power went.
func wantTold(t *testing.T, story oncall.Story) {
	t.Helper()
	for _, e := range story.Entries {
		if f := e.Event.Finished; f != nil && strings.HasPrefix(f.Receipt.Facts["guest"], "stands aside for ") {
			return
		}
	}
	t.Errorf("no step's receipt says that the agent inside stood aside:\n%s", stage.Narrate(story))
}

// wantRefusals holds which gates would keep the agent inside from acting on the alert.
func wantRefusals(t *testing.T, inside *stage.Inside, want ...remediate.Reason) {
	t.Helper()
	says := inside.Explain(webhookErrors)
	for _, reason := range want {
		if says[reason] == "" {
			t.Errorf("the gates inside say %v, want %s among it", says, reason)
		}
	}
	if frozen := says[guard.ReasonFrozen] != ""; frozen != (want[0] == guard.ReasonFrozen) {
		t.Errorf("the gates inside say %v, want %v", says, want)
	}
}
