package e2e

import (
	"os"
	"strings"
	"testing"

	"nightshift/test/stage"
	"nightshift/test/world"
)

// TestAStopOfTheUnitIsNoLossOfPower has a person stop the virtual machine's unit, as the
// host does when it goes down: the guest hears its power button and shuts down in order.
func TestAStopOfTheUnitIsNoLossOfPower(t *testing.T) {
	a := on.VMHost(t).Begin(t, stage.VMInventory{Asked: true})
	count := counted(t, a)
	given(t, a, "\nPOWER_DOWN=40s\n")
	if _, err := a.World.Exec(t.Context(), "systemctl", "stop", world.VMUnit); err != nil {
		t.Fatal(err)
	}
	if said := a.VM.Console(t.Context()); !strings.HasSuffix(strings.TrimSpace(said), "reboot: Power down") {
		t.Errorf("the guest did not power down by itself; it said last:\n%s", said)
	}
	status, err := a.VM.CheckImages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, code := range status {
		if code != 0 {
			t.Errorf("qemu-img check of %s ends with %d", name, code)
		}
	}
	if s, err := a.VM.Status(t.Context()); err != nil || s.Active != "inactive" || s.Result != "success" {
		t.Errorf("the unit is %+v (%v), want it inactive, by success", s, err)
	}
	if _, err := a.World.Exec(t.Context(), "systemctl", "start", world.VMUnit); err != nil {
		t.Fatal(err)
	}
	if got := a.AwaitServed(world.FirstImage.Name); got != count {
		t.Errorf("the counter on the disk that stays is %d, want %d", got, count)
	}
}

// given adds settings of the virtual machine's unit until the test ends.
func given(t *testing.T, a *stage.VMAgent, settings string) {
	t.Helper()
	const file = "/etc/rave/vm.env"
	was, err := os.ReadFile(a.World.Path(file))
	if err == nil {
		err = a.World.WriteFile(file, append(was[:len(was):len(was)], settings...), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.World.WriteFile(file, was, 0o644); err != nil {
			t.Error(err)
		}
	})
}
