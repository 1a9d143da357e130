package e2e

import (
	"slices"
	"strings"
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
	"nightshift/test/guest"
	"nightshift/test/stage"
	"nightshift/test/world"
)

func TestAPausedMachineGoesOnWithoutAPerson(t *testing.T) {
	a := on.VMHost(t).Begin(t, stage.VMInventory{})
	starts := len(a.Host.VMStarts(t))
	a.Pause()
	id := a.AwaitOpened("vm-down") // Prometheus and Alertmanager have told of it
	story := a.AwaitState(id, remediate.Resolved)
	if i := story.Incident; i.State != remediate.Resolved || begun(story) != 1 {
		t.Errorf("the incident is %s after %d steps, want it resolved after 1:\n%s", i.State, begun(story), stage.Narrate(story))
	}
	if n := stage.Count(story, remediate.IncidentAnswered); n != 0 {
		t.Errorf("people answered %d times, want nobody asked", n)
	}
	a.AwaitServed(world.FirstImage.Name)
	if now := len(a.Host.VMStarts(t)); now != starts {
		t.Errorf("the machine was started %d times, want it left running", now-starts)
	}
}

func TestWhatAPersonDeniesIsNotDone(t *testing.T) {
	a := on.VMHost(t).Begin(t, stage.VMInventory{})
	starts := len(a.Host.VMStarts(t))
	if err := a.VM.Break(t.Context(), "unhealthy"); err != nil {
		t.Fatal(err)
	}
	id := a.AwaitOpened("vm-down")
	a.AwaitHeld(id, resetRung)
	a.Nightshift("deny", "--comment", "it is being looked at", string(id))
	story := a.AwaitState(id, remediate.Declined)
	if story.Incident.State != remediate.Declined || begun(story) != 0 {
		t.Errorf("the incident is %s after %d steps, want it declined after none", story.Incident.State, begun(story))
	}
	if now := len(a.Host.VMStarts(t)); now != starts {
		t.Errorf("the machine was started %d times, want it left running", now-starts)
	}
}

func TestAFreezeInTheMiddleOfARollbackDoesNotHaltIt(t *testing.T) {
	a := on.VMHost(t).Begin(t, stage.VMInventory{Asked: true})
	count := counted(t, a)
	update(t, a, hangs)
	was := overlay(t, a)
	said(t, a, "image bad-hang, boot 1")

	id := a.Order(oncall.Order{Playbook: "vm-rollback"})
	a.AwaitHeld(id, "go back")
	a.Approve(id)
	a.Await("the power-down to be under way", func() bool { return begun(a.Story(id)) > 0 })
	a.Nightshift("freeze", "a", "test") // while the guest has its time to shut down
	wantBack(t, a, a.AwaitState(id, remediate.Resolved), was, count)

	second := a.Order(oncall.Order{Playbook: "vm-rollback"})
	story := a.AwaitState(second, remediate.Escalated)
	if n := begun(story); n != 0 {
		t.Errorf("a frozen agent began %d steps of another rollback, want none", n)
	}
	a.Nightshift("thaw")
}

func TestADeployedImageRunsAndIsUndone(t *testing.T) {
	a := on.VMHost(t).Begin(t, stage.VMInventory{Asked: true})
	count := counted(t, a)
	was := overlay(t, a)
	id := deploy(t, a, guest.Image{Name: "next-2", Behaviour: guest.Healthy})
	a.AwaitHeld(id, deployRung)
	a.Approve(id)
	a.AwaitState(id, remediate.Resolved)
	if got := a.AwaitServed("next-2"); got != count {
		t.Errorf("the counter on the disk that stays is %d, want %d", got, count)
	}
	wantAside(t, a, was)

	was = overlay(t, a)
	a.Nightshift("vm", "rollback", "--undo", "--yes")
	if got := a.AwaitServed(world.FirstImage.Name); got != count {
		t.Errorf("after the undo the counter on the disk that stays is %d, want %d", got, count)
	}
	wantAside(t, a, was)
}

// The rungs of a deployment.
const (
	deployRung = "put the image in place"
	returnRung = "go back to what ran before"
)

// deploy orders it.
func deploy(t *testing.T, a *stage.VMAgent, i guest.Image) remediate.ID {
	t.Helper()
	image, err := a.VM.Incoming(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	return a.Order(oncall.Order{Playbook: "vm-deploy", Image: image})
}

func TestADeployedImageThatDoesNotBootIsOfferedTheWayBack(t *testing.T) {
	a := on.VMHost(t).Begin(t, stage.VMInventory{Asked: true})
	count := counted(t, a)
	before := overlay(t, a)
	id := deploy(t, a, noBoot)
	a.AwaitHeld(id, deployRung)
	a.Approve(id)
	a.AwaitHeld(id, returnRung)
	was := overlay(t, a)
	a.Approve(id)
	story := a.AwaitState(id, remediate.Resolved)
	wantTried(t, story, remediate.NotFixed, remediate.Fixed)
	wantBack(t, a, story, was, count)
	if now := overlay(t, a); now != before {
		t.Errorf("the disk is on %s, want what ran before, %s", now, before)
	}
}

func TestACheckpointIsMadeProvedPromotedAndGoneBackTo(t *testing.T) {
	a := on.VMHost(t).Begin(t, stage.VMInventory{Asked: true})
	starts := len(a.Host.VMStarts(t))
	a.Nightshift("vm", "checkpoint", "create", "before-update")
	a.Nightshift("vm", "verify", "--boot", "before-update")
	a.Nightshift("vm", "promote", "before-update")
	a.Nightshift("vm", "verify")
	if now := len(a.Host.VMStarts(t)); now != starts {
		t.Errorf("the machine was started %d times, want it left running", now-starts)
	}
	if list := a.Nightshift("vm", "checkpoint", "list"); !strings.Contains(list, "before-update") {
		t.Errorf("the checkpoints are\n%s", list)
	}
	count := counted(t, a)
	was := overlay(t, a)
	a.Nightshift("vm", "rollback", "--yes")
	if got := a.AwaitServed(world.FirstImage.Name); got != count {
		t.Errorf("the counter on the disk that stays is %d, want %d", got, count)
	}
	wantAside(t, a, was)
	if s, _, err := a.VM.Served(t.Context()); err != nil || s.Boots != 2 {
		t.Errorf("the guest shows boot %d (%v), want the second of the checkpoint's disk", s.Boots, err)
	}
	if good, err := a.World.Exec(t.Context(), "ls", "-ln", "/var/lib/rave/good/before-update.system.qcow2"); err != nil || !slices.Equal(strings.Fields(good)[:4], []string{"-r--r--r--", "1", "0", "0"}) {
		t.Errorf("the promoted image is %s (%v), want root's, and nobody may write it", good, err)
	}
}
