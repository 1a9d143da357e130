package simulate

import (
	"fmt"
	"sync"
	"time"

	"nightshift/remediate"
)

// clock is what the host has for clocks. True time is the bubble's; the wall clock
// may be set to anything, and the uptime begins anew with each boot.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
	boot   int
	booted time.Time
}

func newClock() *clock { return &clock{boot: 1, booted: time.Now().Add(-time.Hour)} }

// now is what the agent is told.
func (c *clock) now() remediate.Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	return remediate.Instant{
		Wall: time.Now().UTC().Add(c.offset).Round(0), Boot: fmt.Sprintf("boot-%d", c.boot), Up: time.Since(c.booted),
	}
}

// jump sets the wall clock forth or back.
func (c *clock) jump(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += by
}

// astray is how far the wall clock is from the truth.
func (c *clock) astray() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// reboot begins another boot.
func (c *clock) reboot() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.boot++
	c.booted = time.Now()
}

// span is the time between two instants by the rule that the log promises: by the
// uptime within a boot, else by the wall clock, never negative.
func span(from, to remediate.Instant) time.Duration {
	if from.Boot == to.Boot {
		return max(to.Up-from.Up, 0)
	}
	return max(to.Wall.Sub(from.Wall), 0)
}
