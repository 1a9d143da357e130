// Package limits proves, in a virtual machine with cgroup v2, that no limit of ours has
// the kernel kill anything.
package limits

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"nightshift/test/guest"
	"nightshift/test/world"
)

// patience is a few times what it takes beside builds on two cores without KVM.
const patience = 9 * time.Minute

// units are what a limit's timer would start, in an hour.
var units = map[string]string{"nightshift-unlimit@.service": "[Service]\nType=oneshot\nExecStart=/program undo %i\n"}

// TestNoLimitKills: 100 random plans in one boot. Each runs a service that uses some
// memory, limits it, and has it grow, in most past the limit. What is refused, what is
// slowed down, and that all is undone exactly, the machine counts; it is right only if
// something was refused, something slowed down, and nobody killed.
func TestNoLimitKills(t *testing.T) {
	initrd := filepath.Join(t.TempDir(), "initrd")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	kernel, err := world.MakeSystemdGuest(ctx, "limits/plans", initrd, units, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "tcg", "-m", "640", "-smp", "2", "-nodefaults", "-no-reboot",
		"-display", "none", "-serial", "stdio", "-kernel", kernel, "-initrd", initrd, "-append", guest.SystemdCommandLine).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	found := regexp.MustCompile(`plans: 100 applied=(\d+) refused=(\d+) slowed=(\d+) killed=(\d+) not-undone=(\d+)`).FindStringSubmatch(string(said))
	if found == nil {
		t.Fatalf("it did not come to its end:\n%s", said)
	}
	t.Log(found[0])
	count := func(n int) int { v, _ := strconv.Atoi(found[n]); return v }
	if count(1) < 50 || count(2) < 10 || count(3) < 3 || count(4) != 0 || count(5) != 0 {
		t.Errorf("%s\n%s", found[0], said)
	}
}
