package systemd

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// unlimited is the number of starts left of a unit without a start limit.
const unlimited = -1

// startLog remembers our own starts and resets: the journal shows a start some
// milliseconds late, and never shows a reset. The zero startLog is empty.
type startLog struct {
	mu     sync.Mutex
	starts map[string][]time.Duration // by CLOCK_MONOTONIC, oldest first
	resets map[string]time.Duration
}

// started notes a start, and forgets those that a limit no longer counts.
func (l *startLog) started(unit string, limit startLimit, now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.starts == nil {
		l.starts = map[string][]time.Duration{}
	}
	kept := l.starts[unit]
	for len(kept) > 0 && now-kept[0] > limit.interval {
		kept = kept[1:]
	}
	l.starts[unit] = append(kept, now)
}

// reset notes that systemd counts from 0 again.
func (l *startLog) reset(unit string, now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.resets == nil {
		l.resets = map[string]time.Duration{}
	}
	l.resets[unit] = now
	delete(l.starts, unit)
}

// since is how many starts of ours came after a moment, and that moment, or the
// last reset if that is later.
func (l *startLog) since(unit string, moment time.Duration) (ours int, from time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from = max(moment, l.resets[unit])
	for _, at := range l.starts[unit] {
		if at > from {
			ours++
		}
	}
	return ours, from
}

// startsLeft is how many more starts the unit's limit allows now, at least: what
// systemd counts can't be read. It opens a window with a start and counts within
// it, so all that the window can hold lies in the last interval: the starts that
// the journal shows there, or ours where it lags, are the most that it counted.
// A reset by somebody else goes unseen and makes the answer too small.
func (u *Units) startsLeft(ctx context.Context, s state) int {
	if !s.limit.exists() {
		return unlimited
	}
	now := monotonic()
	if s.changed == 0 || now-s.changed > s.limit.interval {
		return s.limit.burst // a start would have changed its state
	}
	ours, from := u.starts.since(s.name, now-s.limit.interval)
	// Each start logs up to two lines of JOB_TYPE=start.
	log, err := historyOf(ctx, s.name, 2*(s.limit.burst+1), "JOB_TYPE=start")
	if err != nil {
		return 0 // it may be so
	}
	return max(0, s.limit.burst-max(ours, log.startsSince(from)))
}

// makeRoom resets the unit's count of starts when one more could be one too many,
// and says so. The last that is allowed is kept: with it the unit would run, and
// die of the next.
func (u *Units) makeRoom(ctx context.Context, s state) (note string, err error) {
	left := u.startsLeft(ctx, s)
	if s.result != limitHit && (left == unlimited || left > 1) {
		return "", nil
	}
	if err := u.resetFailed(ctx, s.name); err != nil && !isForgotten(err) {
		return "", because(err)
	}
	return fmt.Sprintf("%d of %d starts in %s were left", max(left, 0), s.limit.burst, s.limit.interval), nil
}

// resetFailed clears the unit's failure and its count of starts.
func (u *Units) resetFailed(ctx context.Context, unit string) error {
	c, err := u.bus.connection()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := c.ResetFailedUnitContext(ctx, unit); err != nil {
		return err
	}
	u.starts.reset(unit, monotonic())
	return nil
}
