package remediate

import "time"

// Instant is a moment as this host saw it: the wall clock, and how long the
// machine had been up in which boot. Within one boot the uptime measures spans,
// so that a clock set back or forth neither shortens a cooldown nor ends an
// incident; across boots the wall clock is all there is.
type Instant struct {
	// Wall is the wall clock, in UTC.
	Wall time.Time `json:"wall"`
	// Boot identifies the boot: /proc/sys/kernel/random/boot_id, see random(4).
	Boot string `json:"boot,omitzero"`
	// Up is CLOCK_BOOTTIME, which goes on during suspend: clock_gettime(2).
	Up time.Duration `json:"up,omitzero"`
}

// Since is the time that passed from earlier to i, never negative: a wall clock
// that went back between two boots says 0.
func (i Instant) Since(earlier Instant) time.Duration {
	span := i.Wall.Sub(earlier.Wall)
	if i.Boot != "" && i.Boot == earlier.Boot {
		span = i.Up - earlier.Up
	}
	return max(span, 0)
}

// past reports whether so much time has passed since an instant. A wall clock that
// went back between two boots can't tell, and then it has: nothing waits for ever.
func (i Instant) past(since Instant, d time.Duration) bool {
	return i.Since(since) >= d || i.Boot != since.Boot && i.Wall.Before(since.Wall)
}

// Add is the instant d after i, in the same boot.
func (i Instant) Add(d time.Duration) Instant {
	return Instant{Wall: i.Wall.Add(d), Boot: i.Boot, Up: i.Up + d}
}

// Until is how long after now i comes; 0 when it has come.
func (i Instant) Until(now Instant) time.Duration { return i.Since(now) }

// Before reports whether i lies before other, by the clock they share.
func (i Instant) Before(other Instant) bool { return other.Since(i) > 0 }

// IsZero reports whether i is no instant at all.
func (i Instant) IsZero() bool { return i.Wall.IsZero() && i.Boot == "" && i.Up == 0 }
