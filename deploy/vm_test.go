package deploy_test

import (
	"slices"
	"strings"
	"testing"
)

// TestWhatIsKeptIsRootsAndWhatRunsIsTheGroups: who may change what is what makes
// the last-known-good worth going back to.
func TestWhatIsKeptIsRootsAndWhatRunsIsTheGroups(t *testing.T) {
	for path, want := range map[string]string{
		"/var/lib/rave":             "755 root root",
		"/var/lib/rave/good":        "755 root root",
		"/var/lib/rave/incoming":    "755 root root",
		"/var/lib/rave/live":        "2770 root nightshift-vm",
		"/var/lib/rave/live/proof":  "2770 root nightshift-vm",
		"/var/lib/rave/live/smbios": "660 root nightshift-vm",
	} {
		out, err := host.Exec(t.Context(), "stat", "--format=%a %U %G", path)
		if got := strings.TrimSpace(out); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", path, got, err, want)
		}
	}
}

// TestTheAgentChangesWhatRunsAndNotWhatIsKept is about its unit, by the sandbox,
// and its user, by the files' modes.
func TestTheAgentChangesWhatRunsAndNotWhatIsKept(t *testing.T) {
	if said, err := inUnit(t.Context(), "touch /var/lib/rave/live/x /var/lib/rave/live/proof/x"); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	out, err := host.Exec(t.Context(), "stat", "--format=%U %G", "/var/lib/rave/live/x")
	if err != nil || out != "nightshift nightshift-vm\n" {
		t.Errorf("what the agent makes is %q's (%v), want its own and QEMU's group's", out, err)
	}
	for _, path := range []string{"/var/lib/rave/good/x", "/var/lib/rave/incoming/x", "/var/lib/rave/x"} {
		if _, err := inUnit(t.Context(), "touch "+path); err == nil {
			t.Errorf("the agent's unit can write %s", path)
		}
		if _, err := host.ExecAs(t.Context(), "nightshift", "touch", path); err == nil {
			t.Errorf("the agent's user can write %s", path)
		}
	}
}

func TestQEMUsUserReachesItsDisksAndTheKernelsAccelerator(t *testing.T) {
	out, err := host.Exec(t.Context(), "id", "--groups", "--name", "rave-vm")
	if err != nil {
		t.Fatal(err)
	}
	groups := strings.Fields(out)
	slices.Sort(groups)
	if want := []string{"kvm", "nightshift-vm", "rave-vm"}; !slices.Equal(groups, want) {
		t.Errorf("rave-vm is in %v, want %v", groups, want)
	}
}

// TestPromotionWritesWhereTheAgentCannot runs shell commands in the program's
// place, in the unit's sandbox.
func TestPromotionWritesWhereTheAgentCannot(t *testing.T) {
	for _, make := range [][]string{
		{"install", "--mode=0660", "/dev/null", "/var/lib/rave/live/overlay"},
		{"install", "--mode=0600", "/dev/null", "/var/lib/rave/live/private"},
	} {
		if _, err := host.ExecAs(t.Context(), "nightshift", make...); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		command string
		may     bool
	}{
		{"test \"$1 $2 $3\" = 'vm keep rave:before-update-1'", true},
		{"cat /var/lib/rave/live/overlay > /var/lib/rave/good/image", true},
		{"touch /var/lib/rave/live/promoted", false},
		{"touch /etc/promoted", false},
		{"cat /var/lib/rave/live/private", false},
	} {
		if err := program(t.Context(), c.command, ""); err != nil {
			t.Fatal(err)
		}
		_, err := host.Exec(t.Context(), "systemctl", "start", "nightshift-promote@rave:before-update-1.service")
		if (err == nil) != c.may {
			t.Errorf("%s: %v, want it allowed: %v", c.command, err, c.may)
		}
		_, _ = host.Exec(t.Context(), "systemctl", "reset-failed")
	}
}

// TestAHeldMachineDoesNotStart: whatever starts the unit, this host's own boot
// included.
func TestAHeldMachineDoesNotStart(t *testing.T) {
	const hold = "/var/lib/rave/live/hold"
	for _, c := range []struct{ do, want string }{{"touch", "inactive"}, {"rm", "active"}} {
		if _, err := host.Exec(t.Context(), c.do, hold); err != nil {
			t.Fatal(err)
		}
		if _, err := host.Exec(t.Context(), "systemctl", "start", "rave-vm.service"); err != nil {
			t.Fatal(err)
		}
		got, err := host.Properties(t.Context(), "rave-vm.service", "ActiveState")
		if err != nil || got["ActiveState"] != c.want {
			t.Errorf("after %s %s the unit is %v (%v), want %s", c.do, hold, got, err, c.want)
		}
	}
	if _, err := host.Exec(t.Context(), "systemctl", "stop", "rave-vm.service"); err != nil {
		t.Error(err)
	}
}

// TestACopyReachesNothingOfTheMachine runs a shell command in QEMU's place, in the
// sandbox of the copy.
func TestACopyReachesNothingOfTheMachine(t *testing.T) {
	const qemu, data, said = "/usr/bin/qemu-system-x86_64", "/var/lib/rave/live/data.qcow2", "/var/lib/rave/live/proof/said"
	was, err := host.Exec(t.Context(), "cat", qemu)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := host.WriteFile(qemu, []byte(was), 0o755); err != nil {
			t.Error(err)
		}
	}()
	look := "#!/bin/sh\nfor f in /run/rave/qmp.sock /run/rave/guest.sock /run/rave/stop/qmp.sock " + data + "; do\n  test -r $f || test -w $f && echo $f\n  mv $f $f.x && echo $f moved\ndone > " + said + "\nexit 0\n"
	if err := host.WriteFile(qemu, []byte(look), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, argv := range [][]string{
		{"install", "--directory", "--owner=rave-vm", "--group=nightshift-vm", "--mode=0770", "/run/rave"},
		{"install", "--owner=rave-vm", "--group=nightshift-vm", "--mode=0660", "/dev/null", "/run/rave/qmp.sock"},
		{"install", "--owner=rave-vm", "--group=nightshift-vm", "--mode=0660", "/dev/null", data},
		{"systemctl", "start", "--wait", "rave-proof.service"},
	} {
		if _, err := host.Exec(t.Context(), argv...); err != nil {
			t.Fatal(err)
		}
	}
	defer host.Exec(t.Context(), "rm", "-f", data, "/run/rave/qmp.sock", said)
	if out, err := host.Exec(t.Context(), "cat", said); err != nil || out != "" {
		t.Errorf("the copy reaches %q (%v)", out, err)
	}
}
