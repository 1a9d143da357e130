package webhook

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
)

const (
	// MaxBody is the longest body that is read, in bytes. Alertmanager's are
	// some 600 bytes for each alert.
	MaxBody = 8 << 20
	// maxBodies is how much memory all bodies that are being received may take
	// together: two of the longest, or 400 of 64 alerts each.
	maxBodies = 16 << 20
	// shortBodies is what short bodies may take beside that, so that nobody who
	// sends the longest keeps out those who send what is usual.
	shortBodies = 4 << 20

	// startBuffer holds the notification of one alert.
	startBuffer = 4 << 10
	// keepBuffer is the longest buffer that is used again, and of a body that
	// counts as short: 64 alerts fit. A longer body is received in pieces of this
	// length, so that one that turns out to be too long leaves nothing behind that
	// has to be collected.
	keepBuffer = 64 << 10
)

// budget is an amount of memory that requests share.
type budget struct {
	max  int64
	used atomic.Int64
}

// take reports whether n more bytes may be used by a body that has size then.
func (b *budget) take(n, size int) bool {
	limit := b.max
	if size <= keepBuffer {
		limit += shortBodies
	}
	if b.used.Add(int64(n)) <= limit {
		return true
	}
	b.used.Add(-int64(n))
	return false
}

func (b *budget) give(n int) { b.used.Add(-int64(n)) }

// scratch is the memory of one request, used again by the next.
type scratch struct {
	body    []byte
	encoded []byte
	// full are the pieces of a long body before the one in body.
	full []*piece

	from  *budget
	taken int // of the budget
}

type piece [keepBuffer]byte

var (
	scratches = sync.Pool{New: func() any { return new(scratch) }}
	pieces    = sync.Pool{New: func() any { return new(piece) }}
)

func takeScratch() *scratch { return scratches.Get().(*scratch) }

func (s *scratch) release() {
	s.dropPieces()
	if s.from != nil {
		s.from.give(s.taken)
	}
	s.from, s.taken = nil, 0
	if cap(s.body) <= keepBuffer && cap(s.encoded) <= keepBuffer {
		scratches.Put(s)
	}
}

func (s *scratch) dropPieces() {
	for _, p := range s.full {
		pieces.Put(p)
	}
	s.full = nil
}

// readBody reads the body of r into s.body. It takes from b what it has
// received, and not what the sender announced: memory is for those who send.
// The answer is nil when all of the body is there.
func (s *scratch) readBody(r *http.Request, b *budget) *answer {
	s.body, s.from = s.body[:0], b
	if !s.grow(startBuffer) {
		return tooMuchAtOnce
	}
	for {
		n, err := r.Body.Read(s.body[len(s.body):cap(s.body)])
		s.body = s.body[:len(s.body)+n]
		switch {
		case s.length() > MaxBody:
			return bodyTooLarge
		case err == io.EOF:
			s.join()
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return slowBody
		case err != nil:
			return brokenBody
		case len(s.body) == cap(s.body) && !s.more():
			return tooMuchAtOnce
		}
	}
}

// length is how much was received.
func (s *scratch) length() int { return len(s.full)*keepBuffer + len(s.body) }

// more makes room when body is full: a longer buffer, or the next piece. It
// reports whether the budget allows it.
func (s *scratch) more() bool {
	if cap(s.body) < keepBuffer {
		return s.grow(2 * cap(s.body))
	}
	if !s.take(s.length() + keepBuffer) {
		return false
	}
	p := pieces.Get().(*piece)
	copy(p[:], s.body)
	s.full, s.body = append(s.full, p), s.body[:0]
	return true
}

// join makes one body of its pieces.
func (s *scratch) join() {
	if len(s.full) == 0 {
		return
	}
	whole := make([]byte, 0, s.length())
	for _, p := range s.full {
		whole = append(whole, p[:]...)
	}
	s.body = append(whole, s.body...)
	s.dropPieces()
}

// grow makes room for size bytes in one buffer. It reports whether the budget
// allows it.
func (s *scratch) grow(size int) bool {
	size = max(size, cap(s.body))
	if !s.take(size) {
		return false
	}
	if size > cap(s.body) {
		s.body = append(make([]byte, 0, size), s.body...)
	}
	return true
}

// take has s hold size bytes of the budget.
func (s *scratch) take(size int) bool {
	if !s.from.take(size-s.taken, size) {
		return false
	}
	s.taken = size
	return true
}
