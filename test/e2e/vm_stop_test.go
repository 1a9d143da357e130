package e2e

import (
	"context"
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
	patient(t, a)
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

// patient gives the guest three minutes to shut down until the test ends, for a host that
// does much else.
func patient(t *testing.T, a *stage.VMAgent) {
	t.Helper()
	const dropIn, settings = "/run/systemd/system/rave-vm.service.d/patient.conf", "/run/patient.env"
	given := func(text string) {
		t.Helper()
		err := a.World.WriteFile(dropIn, []byte(text), 0o644)
		if err == nil {
			_, err = a.World.Exec(context.WithoutCancel(t.Context()), "systemctl", "daemon-reload")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := a.World.WriteFile(settings, []byte("POWER_DOWN=180s\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	given("[Service]\nTimeoutStopSec=200s\nEnvironmentFile=" + settings + "\n")
	t.Cleanup(func() { given("") })
}
