package journal

import (
	"context"
	"fmt"
	"math"
	"time"

	"nightshift/remediate"
)

// A snapshot is due after so many events, once these are longer than the last
// snapshot was: so a start reads at most about twice the fold, and what snapshots
// cost stays below what events cost, however large the fold is. It is due in any
// case after mostEvents, and so long after the last one if there was an event
// since. One that can't be made is tried again sooner.
const (
	snapshotEvery = 500
	mostEvents    = 10_000
	snapshotAfter = 24 * time.Hour
	retryEvery    = 1000
	retryAfter    = time.Hour
	// closeEvery is after how many events Close takes one: reading so many takes
	// a start about 5 ms.
	closeEvery = 500
)

// due is when the next snapshot is.
type due struct {
	last, at uint64
	by       remediate.Instant
	// size is the length of the last fold, since that of the events after it.
	size, since int
}

// nextSnapshot counts from the last one, which was event n and held size bytes.
func nextSnapshot(n uint64, now remediate.Instant, size int) due {
	return due{last: n, at: n + mostEvents, by: now.Add(snapshotAfter), size: size}
}

// reached reports whether it is time, before the event after n.
func (d due) reached(n uint64, now remediate.Instant) bool {
	long := n >= d.last+snapshotEvery && d.since >= d.size
	return long || n >= d.at || n > d.last && !now.Before(d.by)
}

// again puts off the next try after one that failed.
func (d *due) again(n uint64, now remediate.Instant) {
	*d = due{last: d.last, at: n + retryEvery, by: now.Add(retryAfter), size: math.MaxInt}
}

// snapshotIfDue stores the fold. That it can't be made stops nothing: the log is
// whole without it, and a start reads more.
func (c *chain) snapshotIfDue(ctx context.Context, now remediate.Instant) error {
	if !c.snapshot.reached(c.n, now) {
		return nil
	}
	d, err := c.draftSnapshot(SnapshotTaken, c.o.now(), nil)
	if err != nil {
		c.o.logger().Error("no snapshot of the journal could be made", "error", err)
		c.snapshot.again(c.n, now)
		return nil
	}
	if err := c.append(ctx, d); err != nil {
		return fmt.Errorf("cannot append %s: %w", SnapshotTaken, err)
	}
	c.snapshot = nextSnapshot(c.n, now, d.fold)
	return nil
}

// snapshotAtClose stores the fold if a start would have to read a lot.
func (j *Journal) snapshotAtClose(ctx context.Context) error {
	c := &j.chain
	if !c.replayed || c.broken != nil || c.n < c.snapshot.last+closeEvery {
		return nil
	}
	if err, _ := j.store.health.state(); err != nil {
		return nil
	}
	d, err := c.draftSnapshot(SnapshotTaken, j.o.now(), nil)
	if err != nil {
		return err
	}
	return j.append(ctx, d)
}

// draftSnapshot asks for the fold and writes it as an event.
func (c *chain) draftSnapshot(what remediate.EventType, now remediate.Instant, base *Base) (*draft, error) {
	fold, err := c.o.Snapshot()
	if err != nil {
		return nil, fmt.Errorf("cannot take a snapshot: %w", err)
	}
	d := data{Base: base}
	if err := d.pack(fold); err != nil {
		return nil, err
	}
	draft, err := c.draft(snapshotSubject(c.o.Host), remediate.Event{Type: what, At: now}, d)
	if err != nil {
		return nil, err
	}
	draft.fold = len(fold)
	return draft, nil
}
