package deploy_test

import (
	"os"
	"strings"
	"testing"
)

// TestInsideAVMTheUnitStartsAlsoWithoutAHost: the drop-in asks for a credential that
// a machine which no agent started does not have.
func TestInsideAVMTheUnitStartsAlsoWithoutAHost(t *testing.T) {
	text, err := os.ReadFile("systemd/nightshift.service.d/inside-vm.conf")
	if err != nil {
		t.Fatal(err)
	}
	const dropIn = "/run/systemd/system/nightshift.service.d/inside-vm.conf"
	if err := host.WriteFile(dropIn, text, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(host.Path(dropIn)); err != nil {
			t.Error(err)
		}
	})
	if said, err := inUnit(t.Context(), "test -z \"$CREDENTIALS_DIRECTORY\" || test ! -e \"$CREDENTIALS_DIRECTORY/nightshift.epoch\""); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	out, err := host.Exec(t.Context(), "systemctl", "show", "nightshift.service", "--property=PrivateDevices,DeviceAllow,RequiresMountsFor")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"DeviceAllow=char-virtio-portsdev rw\n", "PrivateDevices=no\n", "/var/lib/nightshift"} {
		if !strings.Contains(out, want) {
			t.Errorf("systemd made %q of it, want it to say %q", out, want)
		}
	}
}
