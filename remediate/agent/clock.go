package agent

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"nightshift/remediate"
)

// clock reads the clocks of this host.
func clock() func() remediate.Instant {
	boot := bootID()
	return func() remediate.Instant {
		i := remediate.Instant{Wall: time.Now().UTC().Round(0)}
		var up unix.Timespec
		if boot != "" && unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) == nil {
			i.Boot, i.Up = boot, time.Duration(up.Nano())
		}
		return i
	}
}

// bootID identifies this boot, random(4); empty where it can't be read: then the
// wall clock is all there is.
func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
