package journal

import (
	"context"
	"sync"

	"nightshift/remediate"
)

// Tail is the end of a log that lies on any stream. What a [Journal] does to make
// an event its last, it does: compare-and-set, the chain of hashes, what became of
// an append that nobody answered, snapshots. The simulation puts one on a stream
// of memory whose faults it chooses.
type Tail struct {
	o     Options
	mu    sync.Mutex
	chain chain
}

// Stored is one message of a log's stream.
type Stored struct {
	Subject string
	Text    []byte
}

// NewTail opens the log of one epoch, a ULID, on a stream; [Tail.Replay] must come
// next. Of the options it takes Host, Now and Snapshot. mark writes where the log
// ends, durably if it is firm: see [Head].
func NewTail(o Options, epoch string, stream Stream, mark func(h Head, firm bool) error) *Tail {
	t := &Tail{o: o}
	t.chain = chain{o: &t.o, stream: stream, mark: mark, ids: newIDs(), epoch: epoch, hash: genesis, generation: stream.Generation()}
	return t
}

// Replay calls fn as [Journal.Replay] does, with the messages of the stream: the
// newest snapshot and the events after it. It returns what does not fit.
func (t *Tail) Replay(stored []Stored, fn func(Recorded) error) ([]Flaw, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, start := &t.chain, 0
	for n := range stored {
		if stored[n].Subject == snapshotSubject(t.o.Host) {
			start = n
		}
	}
	w := &walker{epoch: c.epoch}
	c.snapshot = nextSnapshot(0, t.o.now(), 0)
	for n := start; n < len(stored); n++ {
		r, ok, err := w.visit(message{seq: uint64(n + 1), data: stored[n].Text})
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		c.read(r)
		if err := fn(r); err != nil {
			return nil, err
		}
	}
	if len(stored) > 0 {
		c.n, c.seq, c.hash = w.n, w.seq, w.hash
	}
	c.replayed = true
	return w.flaws, nil
}

// read follows an event that is replayed, for when the next snapshot is due.
func (c *chain) read(r Recorded) {
	if isSnapshot(r.Type) {
		c.snapshot = nextSnapshot(r.N, r.At, len(r.Snapshot))
		return
	}
	c.snapshot.since += len(r.Raw)
}

// Append makes an event the last of the log, as [Journal.Append] does.
func (t *Tail) Append(ctx context.Context, event remediate.Event) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.chain.record(ctx, event)
}

// ReadEvent reads one event as it is stored.
func ReadEvent(text []byte) (Recorded, error) { return decode(text) }
