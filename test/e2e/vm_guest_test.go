package e2e

import (
	"strings"
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/guard"
	"nightshift/remediate/oncall"
	"nightshift/test/guest"
	"nightshift/test/stage"
	"nightshift/test/world"
)

// once is what the agent inside may do in an hour, with time for its host.
var once = stage.Inventory{Attempts: "{max: 1, per: 1h, cooldown: 30m}", Deadline: "30m"}

// watched is a machine whose boot its host watches for longer than an agent inside
// leaves it to it by itself.
var watched = stage.VMInventory{BootsWithin: "5m", Deadline: "1h"}

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
	return a.StateDir(), repaired
}

// TestTheAgentInsideForgetsNothingWhenItsMachineGoesBack has a machine with an agent
// inside that has acted, waits with another alert, and is frozen; then a person takes
// the update back.
func TestTheAgentInsideForgetsNothingWhenItsMachineGoesBack(t *testing.T) {
	state, repaired := spent(t)
	a, inside := on.VMHost(t).BeginInhabited(t, watched, once, state)
	image, err := a.VM.Incoming(t.Context(), guest.Image{Name: "next-2", Behaviour: guest.Healthy})
	if err != nil {
		t.Fatal(err)
	}
	goTo(t, a, oncall.Order{Playbook: "vm-deploy", Image: image}, "put the image in place")
	epoch, status := inside.AwaitUp("")
	wantLacksOnlySystemd(t, status)
	if status.Frozen != nil {
		t.Errorf("the agent inside is frozen: %+v", status.Frozen)
	}
	inside.Send(alertOf("before"))
	inside.AwaitWaiting(guard.ReasonHostsTurn)
	var reply oncall.Reply
	inside.Ask(&reply, "freeze", "we", "look", "at", "it")

	story := goTo(t, a, oncall.Order{Playbook: "vm-rollback"}, "go back")
	a.AwaitServed(world.FirstImage.Name)
	wantTold(t, story)
	_, status = inside.AwaitUp(epoch)
	wantLacksOnlySystemd(t, status)
	if status.Frozen == nil || status.Frozen.Reason != "we look at it" {
		t.Errorf("after the rollback the agent inside is frozen by %+v, want it frozen as it was", status.Frozen)
	}
	wantHandedOver(t, inside, repaired)
	a.Await("the host to tell the agent inside for how long it watches the boot", func() bool {
		return strings.Contains(says(inside.Explain(alertOf("now")), guard.ReasonHostsTurn), "its boot")
	})
	wantRefusals(t, inside, guard.ReasonFrozen, guard.ReasonHostsTurn, guard.ReasonCooldown, guard.ReasonAttempts)

	inside.Ask(&reply, "thaw")
	inside.Send(alertOf("after"))
	stories := inside.AwaitWaiting(guard.ReasonHostsTurn) // alerts are read in their order: none from before is left
	for n, want := range []int{begun(repaired), 0, 0} {
		if got := begun(stories[n]); got != want {
			t.Errorf("incident %d inside has begun %d steps, want %d", n+1, got, want)
		}
	}
	a.WantSound()
}

// wantHandedOver holds that the agent inside knows of the repair, and has left what
// waited to people, one of whom closes it.
func wantHandedOver(t *testing.T, inside *stage.Inside, repaired oncall.Story) {
	t.Helper()
	stories := inside.Stories()
	if len(stories) != 2 || stories[0].Incident.ID != repaired.Incident.ID {
		t.Fatalf("after the rollback there are %d incidents inside, want the repair and what waited", len(stories))
	}
	i := stories[1].Incident
	if i.State != remediate.Escalated || i.Reason != remediate.ReasonWentBack {
		t.Errorf("what waited is %s (%s), want it with people because the machine went back", i.State, i.Reason)
	}
	inside.Ask(new(oncall.Reply), "close", string(i.ID), "--comment=seen", "--force")
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

// wantRefusals holds which gates would keep the agent inside from acting on an alert
// that comes now.
func wantRefusals(t *testing.T, inside *stage.Inside, want ...remediate.Reason) {
	t.Helper()
	explained := inside.Explain(alertOf("now"))
	for _, reason := range want {
		if says(explained, reason) == "" {
			t.Errorf("no gate inside says %s: %+v", reason, explained)
		}
	}
}

// says is what the gate of that reason says; empty if it would let the agent act.
func says(explained engine.Explanation, reason remediate.Reason) string {
	for _, v := range explained.Verdicts {
		if v.Reason == reason {
			return v.Detail
		}
	}
	return ""
}

// wantLacksOnlySystemd holds that an agent inside may act, with a log that is sound and
// is known to stay.
func wantLacksOnlySystemd(t *testing.T, status oncall.Status) {
	t.Helper()
	if status.Mode != "act" || len(status.Degraded) != 1 || status.Degraded["systemd"] == "" {
		t.Errorf("the agent inside is %+v, want one that may act, and lacks a systemd", status)
	}
}

// alertOf is one that the playbook webhook-errors is for.
func alertOf(name string) stage.Alert {
	return stage.Alert{Name: stage.WebhookErrorsAlert, Case: name}
}
