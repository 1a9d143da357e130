package simulate

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"nightshift/remediate/journal"
)

// stream is the log's stream, and the file that says where the log ends: both
// outlive the process.
type stream struct {
	w *world

	mu     sync.Mutex
	stored []journal.Stored
	head   journal.Head
	// down is until when nothing can be written, slow how long the next message
	// takes.
	down       time.Time
	slow       time.Duration
	generation int64
}

// fate is what becomes of a publish.
type fate int

const (
	stores    fate = iota
	lost           // nothing is stored, and nobody answers
	unheard        // it is stored, and nobody answers
	diesFirst      // the process dies before it is stored
	diesAfter      // it is stored, and the process dies before it knows
)

// patience is how long a publish is waited for: the journal's own deadline.
const patience = 5 * time.Second

// wrongLast is the server's answer to who expected another last sequence.
var wrongLast = &jetstream.APIError{Code: 400, ErrorCode: 10071, Description: "wrong last sequence"}

var (
	errNoAnswer = errors.New("no answer in time")
	errDown     = errors.New("the disk is full")
)

// publish stores a message for a process, or does worse.
func (s *stream) publish(p *process, subject string, text []byte, last uint64) error {
	p.lives()
	fate, slow := s.fate()
	time.Sleep(slow)
	p.lives()
	switch fate {
	case lost:
		time.Sleep(patience)
		return errNoAnswer
	case diesFirst:
		p.dies()
	}
	err := s.store(subject, text, last)
	switch {
	case fate == diesAfter:
		p.dies()
	case fate == unheard && err == nil:
		time.Sleep(patience)
		return errNoAnswer
	}
	return err
}

// fate throws the dice for one publish.
func (s *stream) fate() (fate, time.Duration) {
	d := s.w.dice
	s.mu.Lock()
	down, slow := time.Now().Before(s.down), s.slow
	s.slow = 0
	s.mu.Unlock()
	if slow == 0 {
		slow = d.between("append", 100*time.Microsecond, 2*time.Millisecond)
	}
	switch n := d.number("append", 4000); {
	case down:
		return lost, slow
	case n < 6:
		return lost, slow
	case n < 12:
		return unheard, slow
	case n < 16:
		return diesFirst, slow
	case n < 20:
		return diesAfter, slow
	case n < 40:
		return stores, d.between("append", time.Second, patience-time.Second)
	}
	return stores, slow
}

// store makes a message the last, if the one before is the one that was expected.
func (s *stream) store(subject string, text []byte, last uint64) error {
	s.mu.Lock()
	if uint64(len(s.stored)) != last {
		s.mu.Unlock()
		return wrongLast
	}
	s.stored = append(s.stored, journal.Stored{Subject: subject, Text: text})
	s.mu.Unlock()
	s.w.observer.stores(text)
	return nil
}

// messages are all that is stored.
func (s *stream) messages() []journal.Stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stored[:len(s.stored):len(s.stored)]
}

// mark writes where the log ends.
func (s *stream) mark(h journal.Head, _ bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head = h
	return nil
}

// fails lets nothing be written for a while.
func (s *stream) fails(length time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = time.Now().Add(length)
}

// slows lets the next message take that long.
func (s *stream) slows(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = by
}

// ofProcess is the stream as one process has it.
type ofProcess struct {
	*stream
	p *process
}

var _ journal.Stream = ofProcess{}

func (s ofProcess) Publish(_ context.Context, subject string, text []byte, last uint64) error {
	return s.publish(s.p, subject, text, last)
}

func (s ofProcess) Last(context.Context) (uint64, []byte, error) {
	s.p.lives()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.stored) == 0 {
		return 0, nil, nil
	}
	return uint64(len(s.stored)), s.stored[len(s.stored)-1].Text, nil
}

// Mend finds the disk full, or writes a canary and counts a restart of the server.
func (s ofProcess) Mend(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.down) {
		return errors.Join(journal.ErrUnavailable, errDown)
	}
	if !s.down.IsZero() {
		s.generation++
		s.down = time.Time{}
	}
	return nil
}

func (s ofProcess) Generation() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation
}
