package deploy_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// exposureLimits are the highest scores of `systemd-analyze security` that the
// units may have; 10 is a service with no protection at all.
var exposureLimits = map[string]float64{
	"nightshift.service":                        1.5,
	"nightshift-promote@rave:x-1.service":       1.5,
	"nightshift-limit@safe:a.service.service":   1.5,
	"nightshift-unlimit@safe:a.service.service": 1.5,
	"rave-vm.service":                           1.5, // which writes code and runs it, and reaches /dev/kvm
	"rave-proof.service":                        1.5,
	"nightshift-vacuum.service":                 1.5,
	"nightshift-tmpclean.service":               2.0, // which removes everybody's files
	"nightshift-nix-gc.service":                 1.5,
	"nightshift-firewall.service":               2.5, // which is root, sees the network, and asks with CAP_NET_ADMIN
}

func TestTheUnitsAreHardened(t *testing.T) {
	for unit, limit := range exposureLimits {
		out, err := host.Exec(t.Context(), "systemd-analyze", "security", "--no-pager", unit)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`Overall exposure level for \S+: (\d+\.\d+)`).FindStringSubmatch(out)
		if found == nil {
			t.Fatalf("no score in\n%s", out)
		}
		score, err := strconv.ParseFloat(found[1], 64)
		if err != nil || score > limit {
			t.Errorf("%s: exposure is %v (%v), want at most %v\n%s", unit, score, err, limit, out)
		}
		t.Logf("%s: exposure %.1f", unit, score)
	}
}

func TestSystemdHasNoComplaintAboutTheUnits(t *testing.T) {
	for unit := range exposureLimits {
		file := regexp.MustCompile(`@.*\.`).ReplaceAllString(unit, "@.")
		cmd := host.Command(t.Context(), "root", "systemd-analyze", "verify", "--man=no", "/etc/systemd/system/"+file)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: verify says %q (%v), want nothing", unit, out, err)
		}
	}
}

func TestTheUserIsStaticAndInItsGroups(t *testing.T) {
	out, err := host.Exec(t.Context(), "id", "--groups", "--name", "nightshift")
	if err != nil {
		t.Fatal(err)
	}
	groups := strings.Fields(out)
	for _, want := range []string{"nightshift", "nightshift-vm", "systemd-journal"} {
		if !slices.Contains(groups, want) {
			t.Errorf("nightshift is in %v, want also %s", groups, want)
		}
	}
	if slices.Contains(groups, "root") || slices.Contains(groups, "sudo") {
		t.Errorf("nightshift is in %v", groups)
	}
}

// TestTheHardenedUnitSeesWhatProbesRead runs shell commands in the agent's
// place: same user, same sandbox.
func TestTheHardenedUnitSeesWhatProbesRead(t *testing.T) {
	for what, command := range map[string]string{
		"memory of the machine":          "grep -q MemAvailable /proc/meminfo",
		"pressure, if the kernel has it": "test ! -e /proc/pressure/memory || cat /proc/pressure/memory",
		"the boot id":                    "test $(wc -c </proc/sys/kernel/random/boot_id) = 37",
		"status of other processes":      "grep -q VmRSS /proc/$(pidof -s dbus-daemon)/status",
		"their control groups":           "grep -q dbus.service /proc/$(pidof -s dbus-daemon)/cgroup",
		"files of control groups":        "cat $(find /sys/fs/cgroup -path '*dbus.service/cgroup.procs' | head -1) | grep -q .",
		"the system's journal":           "journalctl --unit=dbus.service --output=cat | grep -q Started",
		"units, over D-Bus":              "busctl get-property org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager Version",
		"its own state directory":        "touch $STATE_DIRECTORY/x && test $(stat -c %a $STATE_DIRECTORY) = 750",
	} {
		if said, err := inUnit(t.Context(), command); err != nil {
			t.Errorf("the unit cannot see %s: %v\n%s", what, err, said)
		}
	}
}

func TestTheHardenedUnitCannotReachWhatItHasNoBusinessWith(t *testing.T) {
	for what, command := range map[string]string{
		"write to /etc":            "touch /etc/nightshift-was-here",
		"write to /usr":            "touch /usr/nightshift-was-here",
		"write control groups":     "echo 1 > $(find /sys/fs/cgroup -path '*dbus.service/cgroup.procs' | head -1)",
		"restart a unit by itself": "systemctl --no-ask-password restart dbus.service",
		"see another's home":       "ls /root/.",
		"read a password file":     "cat /etc/shadow",
		"make a namespace":         "unshare --user true",
	} {
		if _, err := inUnit(t.Context(), command); err == nil {
			t.Errorf("the unit can %s", what)
		}
	}
}

// inUnit runs a shell command as the unit's program, once.
func inUnit(ctx context.Context, command string) (said string, err error) {
	if err := program(ctx, command, "[Service]\nType=oneshot\nRestart=no\n"); err != nil {
		return "", err
	}
	_, err = host.Exec(ctx, "systemctl", "start", "nightshift.service")
	said, _ = host.Exec(ctx, "journalctl", "--unit=nightshift.service", "--lines=5", "--output=cat", "--no-pager")
	return said, err
}

// program puts a shell command in the agent's place, and a drop-in beside its
// unit.
func program(ctx context.Context, command, dropIn string) error {
	if err := host.WriteFile("/usr/bin/nightshift", []byte("#!/bin/sh -e\n"+command+"\n"), 0o755); err != nil {
		return err
	}
	if err := host.WriteFile("/run/systemd/system/nightshift.service.d/test.conf", []byte(dropIn), 0o644); err != nil {
		return err
	}
	if _, err := host.Exec(ctx, "systemctl", "daemon-reload"); err != nil {
		return err
	}
	_, err := host.Exec(ctx, "systemctl", "stop", "nightshift.service")
	return err
}

// TestOnlyASecondWriterStaysDown: whatever else the agent dies of, it comes
// back.
func TestOnlyASecondWriterStaysDown(t *testing.T) {
	for _, c := range []struct {
		command, state string
	}{
		{"exit 78", "failed"},
		{"exit 1", "activating"},
		{"exit 0", "activating"},
		{"kill -KILL $$", "activating"},
	} {
		if err := program(t.Context(), c.command, "[Service]\nType=exec\nRestartSec=10min\n"); err != nil {
			t.Fatal(err)
		}
		_, _ = host.Exec(t.Context(), "systemctl", "reset-failed", "nightshift.service")
		_, _ = host.Exec(t.Context(), "systemctl", "start", "--no-block", "nightshift.service")
		if err := awaitState(t.Context(), c.state, map[string]string{"failed": "failed", "activating": "auto-restart"}[c.state]); err != nil {
			t.Errorf("after %q: %v", c.command, err)
		}
	}
	_, _ = host.Exec(t.Context(), "systemctl", "stop", "nightshift.service")
}

// awaitState waits until the unit is in that state.
func awaitState(ctx context.Context, active, sub string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		got, err := host.Properties(ctx, "nightshift.service", "ActiveState", "SubState")
		if err != nil {
			return fmt.Errorf("unit is not %s (%s): %w", active, sub, err)
		}
		if got["ActiveState"] == active && got["SubState"] == sub {
			return nil
		}
	}
}
