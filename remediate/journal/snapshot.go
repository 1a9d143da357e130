package journal

import (
	"context"
	"fmt"
	"time"

	"nightshift/remediate"
)

// A snapshot is due after so many events, or so long after the last one if there
// was an event since. One that can't be made is tried again sooner.
const (
	snapshotEvery = 10_000
	snapshotAfter = 24 * time.Hour
	retryEvery    = 1000
	retryAfter    = time.Hour
	// closeEvery is after how many events Close takes one: reading so many takes
	// a start about 5 ms.
	closeEvery = 1000
)

// due is when the next snapshot is.
type due struct {
	last, at uint64
	by       remediate.Instant
}

// nextSnapshot counts from the last one, which was event n.
func nextSnapshot(n uint64, now remediate.Instant) due {
	return due{last: n, at: n + snapshotEvery, by: now.Add(snapshotAfter)}
}

// reached reports whether it is time, before the event after n.
func (d due) reached(n uint64, now remediate.Instant) bool {
	return n >= d.at || n > d.last && !now.Before(d.by)
}

// snapshotIfDue stores the fold. That it can't be made stops nothing: the log is
// whole without it, and a start reads more.
func (j *Journal) snapshotIfDue(ctx context.Context, now remediate.Instant) error {
	c := &j.chain
	if !c.snapshot.reached(c.n, now) {
		return nil
	}
	d, err := j.draftSnapshot(SnapshotTaken, j.o.now(), nil)
	if err != nil {
		j.o.logger().Error("no snapshot of the journal could be made", "error", err)
		c.snapshot.at, c.snapshot.by = c.n+retryEvery, now.Add(retryAfter)
		return nil
	}
	if err := j.append(ctx, d); err != nil {
		return fmt.Errorf("cannot append %s: %w", SnapshotTaken, err)
	}
	c.snapshot = nextSnapshot(c.n, now)
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
	d, err := j.draftSnapshot(SnapshotTaken, j.o.now(), nil)
	if err != nil {
		return err
	}
	return j.append(ctx, d)
}

// draftSnapshot asks for the fold and writes it as an event.
func (j *Journal) draftSnapshot(what remediate.EventType, now remediate.Instant, base *Base) (*draft, error) {
	fold, err := j.o.Snapshot()
	if err != nil {
		return nil, fmt.Errorf("cannot take a snapshot: %w", err)
	}
	d := data{Base: base}
	if err := d.pack(fold); err != nil {
		return nil, err
	}
	return j.draft(snapshotSubject(j.o.Host), remediate.Event{Type: what, At: now}, d)
}
