package webhook

import (
	"log/slog"
	"sync"
	"time"
)

// complainEvery is how often the log repeats itself: an alert that is offered
// over and over must not fill the disk.
const complainEvery = time.Minute

// complaints logs refusals, each code at most once a minute.
type complaints struct {
	log *slog.Logger

	mu     sync.Mutex
	last   map[int]time.Time // by code
	silent map[int]int       // how many were not logged since
}

// about logs that a sender was answered a.
func (c *complaints) about(a *answer, sender string, now time.Time) {
	silent, due := c.due(now, a.code)
	if !due {
		return
	}
	attrs := []any{"code", a.code, "reason", a.text, "from", sender, "not_logged", silent}
	if a.cause != nil {
		attrs = append(attrs, "error", a.cause)
	}
	c.log.Warn("cannot take a webhook", attrs...)
}

// due reports whether a code may be logged now, and how many times it was not.
func (c *complaints) due(now time.Time, code int) (silent int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last, logged := c.last[code]; logged && now.Sub(last) < complainEvery {
		c.silent[code]++
		return 0, false
	}
	if c.last == nil {
		c.last, c.silent = map[int]time.Time{}, map[int]int{}
	}
	silent = c.silent[code]
	c.last[code], c.silent[code] = now, 0
	return silent, true
}
