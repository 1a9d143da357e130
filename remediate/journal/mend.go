package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// The waits between two restarts of a server that can't write, and how long a
// success says that the next write will do.
const (
	firstWait = time.Second
	longWait  = 30 * time.Second
	provenFor = 15 * time.Second
)

// health is whether the store can be written, and when to look again.
type health struct {
	mu     sync.Mutex
	err    error
	again  time.Time
	wait   time.Duration
	proven time.Time
}

// succeeded notes that a write worked.
func (h *health) succeeded() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err, h.wait, h.proven = nil, 0, time.Now()
}

// failed notes that a write failed; the first failure is mended at once.
func (h *health) failed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err, h.proven = err, time.Time{}
	h.again = time.Now().Add(h.wait)
	h.wait = min(max(2*h.wait, firstWait), longWait)
}

// state is what is wrong, and whether it is time to mend it.
func (h *health) state() (err error, due bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err, h.err != nil && !time.Now().Before(h.again)
}

// fresh reports whether a write worked lately.
func (h *health) fresh() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Since(h.proven) < provenFor
}

// mend is nil while the store can be written. When it can't, and it is time, the
// server is restarted first; whoever comes meanwhile is told that it can't.
func (s *store) mend(ctx context.Context) error {
	if err, _ := s.health.state(); err == nil {
		return nil
	}
	if !s.mending.TryLock() {
		return fmt.Errorf("%w: the NATS server is being restarted", ErrUnavailable)
	}
	defer s.mending.Unlock()
	err, due := s.health.state()
	if due {
		err = s.restart(ctx)
	}
	if err != nil {
		return errors.Join(ErrUnavailable, err)
	}
	return nil
}

// restart replaces the server in place and proves that it writes.
func (s *store) restart(ctx context.Context) error {
	err := s.replace(ctx)
	if err == nil {
		err = s.canary(ctx)
	}
	if err != nil {
		s.health.failed(err)
		s.o.logger().Warn("the journal's server was restarted and still can't write", "error", err)
		return err
	}
	s.o.logger().Info("the journal's server was restarted")
	return nil
}

// replace stops the server and starts another.
func (s *store) replace(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation.Add(1)
	if s.stuck.Load() {
		return ErrStuck
	}
	if err := s.stop(); err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	return s.openBounded(ctx, func(context.Context) error { return nil })
}

// canary writes one message that replaces the last: the only proof of health.
func (s *store) canary(ctx context.Context) error {
	msg := nats.NewMsg(canarySubject(s.o.Host))
	if _, err := s.publish(ctx, canaryStream(s.o.Host), msg); err != nil {
		return fmt.Errorf("cannot write to the store: %w", err)
	}
	s.health.succeeded()
	return nil
}

// ready is nil when a message could be stored now.
func (s *store) ready(ctx context.Context) error {
	if err := s.mend(ctx); err != nil {
		return err
	}
	if s.health.fresh() {
		return nil
	}
	if err := s.canary(ctx); err != nil {
		s.health.failed(err)
		return errors.Join(ErrUnavailable, err)
	}
	return nil
}
