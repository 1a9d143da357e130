package journal

import (
	"context"
	"fmt"

	"nightshift/remediate"
)

// Replay calls fn with the newest snapshot, if there is one, and then with each
// event after it: a [Recorded] with a Snapshot replaces the fold, any other is
// applied to it. It must come once, after Open and before the first Append.
//
// What does not fit is left out, and returned as damage: the caller goes on with
// what it has and must not act. The error is what fn returned, or why the log
// could not be read at all.
func (j *Journal) Replay(ctx context.Context, fn func(Recorded) error) (*Damage, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := &j.chain
	start, err := j.replayFrom(ctx)
	if err != nil {
		return nil, err
	}
	c.snapshot = nextSnapshot(c.n, j.o.now(), 0)
	w := &walker{epoch: c.epoch}
	err = j.walkLog(ctx, w, c.epoch, query{Seq: start, Bare: true}, c.seq, func(r Recorded) error {
		if w.events == 1 && !isSnapshot(r.Type) {
			c.snapshot = nextSnapshot(r.N-1, r.At, 0)
		}
		c.read(r)
		return fn(r)
	})
	if err != nil {
		return nil, fmt.Errorf("cannot replay the journal: %w", err)
	}
	w.ended(c.n, c.seq, c.hash)
	if err := j.damages.found(w.flaws...); err != nil {
		return nil, err
	}
	c.replayed = true
	return j.Damage(), nil
}

// isSnapshot reports whether an event holds the fold.
func isSnapshot(t remediate.EventType) bool { return t == SnapshotTaken || t == JournalAccepted }

// replayFrom is the sequence of the newest snapshot. Without one that can be
// read the whole log is, from the oldest event that is left.
func (j *Journal) replayFrom(ctx context.Context) (uint64, error) {
	r, err := j.store.reader(logStream(j.o.Host, j.chain.epoch))
	if err != nil {
		return 0, err
	}
	defer r.close()
	m, ok, err := r.one(ctx, query{LastFor: snapshotSubject(j.o.Host)})
	if err != nil {
		return 0, err
	}
	if ok {
		if _, err := decode(m.data); err == nil {
			return m.seq, nil
		}
	}
	state, err := j.state(ctx, j.chain.epoch)
	if err != nil {
		return 0, err
	}
	return max(state.FirstSeq, 1), j.beginningGone(state.FirstSeq)
}

// beginningGone notes that events were pushed out that no snapshot holds.
func (j *Journal) beginningGone(first uint64) error {
	if first <= 1 {
		return nil
	}
	return j.damages.found(Flaw{Kind: LogHole, Detail: fmt.Sprintf("the log begins with message %d, and there is no snapshot of what came before", first)})
}

// walkLog reads an epoch from q on up to last, checks it with w, and calls fn
// with what could be read.
func (j *Journal) walkLog(ctx context.Context, w *walker, epoch string, q query, last uint64, fn func(Recorded) error) error {
	r, err := j.store.reader(logStream(j.o.Host, epoch))
	if err != nil {
		return err
	}
	defer r.close()
	return r.walk(ctx, q, last, func(m message) error {
		recorded, ok, err := w.visit(m)
		if err != nil || !ok {
			return err
		}
		return fn(recorded)
	})
}
