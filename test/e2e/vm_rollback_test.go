package e2e

import (
	"strings"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/guard"
	"nightshift/remediate/oncall"
	"nightshift/test/guest"
	"nightshift/test/stage"
	"nightshift/test/world"
)

// The rungs of the playbook for a virtual machine that is down.
const (
	resetRung    = "reset the guest"
	bootRung     = "power down and boot"
	rollbackRung = "go back to the last known good"
)

// counted adds one to the counter on the disk that stays, and returns it.
func counted(t *testing.T, a *stage.VMAgent) uint64 {
	t.Helper()
	n, err := a.VM.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// update puts an image in place by hand, as a person would who does not ask the
// agent.
func update(t *testing.T, a *stage.VMAgent, i guest.Image) {
	t.Helper()
	if err := a.VM.Update(t.Context(), i); err != nil {
		t.Fatal(err)
	}
}

// Images that are of no use.
var (
	unhealthy = guest.Image{Name: "bad-unhealthy", Behaviour: guest.Unhealthy}
	noBoot    = guest.Image{Name: "bad-noboot", Behaviour: guest.NoBoot}
	hangs     = guest.Image{Name: "bad-hang", Behaviour: guest.Hang}
	// crashesLater is healthy for a moment whenever it is booted.
	crashesLater = guest.Image{Name: "bad-crash", Behaviour: guest.Crash, After: time.Second}
)

// said waits until the guest has written something on its console.
func said(t *testing.T, a *stage.VMAgent, words string) {
	t.Helper()
	a.Await("the guest to say "+words, func() bool { return strings.Contains(a.VM.Console(t.Context()), words) })
}

// wantBack holds that the machine runs on the first image, that what stays is
// untouched, that what ran before was put aside, and that every image is sound.
func wantBack(t *testing.T, a *stage.VMAgent, story oncall.Story, was string, count uint64) {
	t.Helper()
	if got := a.AwaitServed(world.FirstImage.Name); got != count {
		t.Errorf("the counter on the disk that stays is %d, want %d", got, count)
	}
	wantAside(t, a, was)
	if i := story.Incident; i.State != remediate.Resolved || i.Reason != remediate.ReasonFixed {
		t.Errorf("incident %s is %s (%s), want it resolved", i.ID, i.State, i.Reason)
	}
}

// wantAside holds that the overlay, by the name that it had in use, was put aside,
// and that every image that can be checked is sound.
func wantAside(t *testing.T, a *stage.VMAgent, was string) {
	t.Helper()
	aside, err := a.VM.Aside()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(aside, " "), strings.TrimSuffix(was, ".qcow2")+".aside-") {
		t.Errorf("aside are %v, want %s", aside, was)
	}
	status, err := a.VM.CheckImages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, code := range status {
		if code == 2 || code == 1 && strings.Contains(name, "aside") {
			t.Errorf("qemu-img check of %s ends with %d", name, code)
		}
	}
}

// overlay is what the system disk is on.
func overlay(t *testing.T, a *stage.VMAgent) string {
	t.Helper()
	name, err := a.VM.Overlay()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestABadUpdateIsRolledBackOnceAPersonApprovesAndOnceInAWhile(t *testing.T) {
	a := on.VMHost(t).Begin(t, stage.VMInventory{})
	count := counted(t, a)
	update(t, a, unhealthy)
	was := overlay(t, a)

	id := a.AwaitOpened("vm-down") // Prometheus and Alertmanager have told of it
	for _, rung := range []string{resetRung, bootRung, rollbackRung} {
		a.AwaitHeld(id, rung)
		a.Approve(id)
	}
	story := a.AwaitState(id, remediate.Resolved)
	wantTried(t, story, remediate.NotFixed, remediate.NotFixed, remediate.Fixed)
	wantBack(t, a, story, was, count)

	update(t, a, crashesLater)
	said(t, a, "image bad-crash crashes")
	was = overlay(t, a)
	a.Send(stage.Alert{Name: stage.VMDownAlert, Case: "again"})
	id = a.AwaitOpened("vm-down")
	// A guest that crashes later looks healthy when it has just booted: then a yes is
	// followed by a look alone, and the same rung is asked for again.
	a.ApprovesAll(id)
	story = a.AwaitReason("vm-down", remediate.Escalated, guard.ReasonRolledBack)
	wantTried(t, story, remediate.NotFixed, remediate.NotFixed)
	if now := overlay(t, a); now != was {
		t.Errorf("the disk is on %s, want it left on %s", now, was)
	}
	a.WantSound()
}
