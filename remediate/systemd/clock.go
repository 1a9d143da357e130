package systemd

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// bootFile identifies the boot: random(4).
const bootFile = "/proc/sys/kernel/random/boot_id"

// bootID is the id of this boot, without dashes, as the journal writes it.
func bootID() (string, error) {
	text, err := os.ReadFile(bootFile)
	if err != nil {
		return "", fmt.Errorf("cannot read the boot id: %w", err)
	}
	return strings.ReplaceAll(strings.TrimSpace(string(text)), "-", ""), nil
}

// monotonic is CLOCK_MONOTONIC, the clock of systemd's and the journal's
// timestamps: clock_gettime(2).
func monotonic() time.Duration {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // fails for no clock that exists
	return time.Duration(now.Nano())
}
