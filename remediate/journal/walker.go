package journal

import (
	"errors"
	"fmt"
)

// walker checks the events of one epoch as they come: that each follows the one
// before it.
type walker struct {
	epoch string
	// events counts those that could be read; first is the first of them.
	events, first uint64
	// n, seq and hash are of the last one; seq is 0 before the first.
	n, seq uint64
	hash   string
	flaws  []Flaw
}

// visit checks one message. ok is false when it can't be read. The error is
// [ErrNewer]: then nothing is wrong with the log.
func (w *walker) visit(m message) (r Recorded, ok bool, err error) {
	r, err = decode(m.data)
	if errors.Is(err, ErrNewer) {
		return r, false, err
	}
	r.Seq = m.seq
	if err != nil {
		w.flaw(Undecodable, w.n+1, "message %d: %s", m.seq, err)
		r.N, r.Hash = w.n+1, hashOf(m.data)
	} else {
		w.follows(r)
		w.count(r.N)
	}
	w.n, w.seq, w.hash = r.N, m.seq, r.Hash
	return r, err == nil, nil
}

func (w *walker) count(n uint64) {
	if w.events == 0 {
		w.first = n
	}
	w.events++
}

// follows checks that r comes directly after the last event.
func (w *walker) follows(r Recorded) {
	switch {
	case r.Epoch != w.epoch:
		w.flaw(ChainBroken, r.N, "event %d is of epoch %s", r.N, r.Epoch)
	case w.seq == 0:
	case r.N <= w.n:
		w.flaw(ChainBroken, r.N, "event %d comes after event %d", r.N, w.n)
	case r.N != w.n+1:
		w.flaw(LogHole, r.N, "events %d to %d are missing", w.n+1, r.N-1)
	case r.Prev != w.hash:
		w.flaw(ChainBroken, r.N, "event %d does not follow the stored event %d", r.N, w.n)
	}
}

// ended checks that the last event was the one at the end of the log.
func (w *walker) ended(n, seq uint64, hash string) {
	switch {
	case w.seq < seq:
		w.flaw(LogHole, n, "the events after %d are missing, up to %d", w.n, n)
	case w.seq > 0 && w.n == n && w.hash != hash:
		w.flaw(ChainBroken, n, "event %d is not the one that was appended last", n)
	}
}

// flaw notes one. In a log in which everything is wrong the first ones tell.
func (w *walker) flaw(kind FlawKind, n uint64, format string, args ...any) {
	if len(w.flaws) < keptFlaws {
		w.flaws = append(w.flaws, Flaw{Kind: kind, N: n, Detail: fmt.Sprintf(format, args...)})
	}
}
