package main

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"nightshift/test/world"
)

// The keeper is seen best from within what it keeps.
func TestMain(m *testing.M) { world.Main(m, world.Options{}) }

func TestTheFirstProcessIsSystemd(t *testing.T) {
	comm, err := os.ReadFile("/proc/1/comm")
	if err != nil || string(comm) != "systemd\n" {
		t.Fatalf("process 1 is %q (%v), want systemd", comm, err)
	}
	out, err := exec.Command("systemctl", "is-system-running").CombinedOutput()
	if err != nil || string(out) != "running\n" {
		t.Fatalf("is-system-running says %q (%v), want running", out, err)
	}
}

func TestTheWorldHasANameOfItsOwn(t *testing.T) {
	name, err := os.Hostname()
	if err != nil || name != world.Hostname {
		t.Fatalf("hostname is %q (%v), want %s", name, err, world.Hostname)
	}
}

func TestTheOnlyNetworkIsLoopback(t *testing.T) {
	all, err := net.Interfaces()
	if err != nil || len(all) == 0 {
		t.Fatalf("interfaces: %v (%v)", all, err)
	}
	for _, i := range all {
		up := i.Flags&net.FlagUp != 0
		if loopback := i.Flags&net.FlagLoopback != 0; up != loopback {
			t.Errorf("interface %s: up %v, loopback %v: only the loopback may be up", i.Name, up, loopback)
		}
	}
}

func TestTheKernelsSettingsAreOutOfReach(t *testing.T) {
	for _, path := range []string{"/proc/sys/kernel/hostname", "/proc/sys/vm/swappiness", "/proc/sysrq-trigger", "/sys/kernel/mm/ksm/run"} {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			file.Close()
			t.Errorf("%s can be opened for writing, and is the host's too", path)
		}
	}
}

func TestNothingOfTheHostIsMounted(t *testing.T) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		_, after, _ := strings.Cut(line, " - ")
		switch kind, _, _ := strings.Cut(after, " "); kind {
		case "overlay", "proc", "sysfs", "tmpfs", "devpts", "cgroup", "cgroup2", "mqueue", "ramfs":
		default:
			t.Errorf("mounted in the world: %s", line)
		}
	}
}

func TestControlGroupsBeginAtTheWorld(t *testing.T) {
	text, err := os.ReadFile("/proc/1/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		path := strings.TrimSpace(line[strings.LastIndex(line, ":")+1:])
		if path != "/" && path != "/init.scope" {
			t.Errorf("systemd sees itself in %q: the host's tree shows", path)
		}
	}
}
