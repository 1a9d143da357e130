package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
)

// teardown is what has to be ended, by name, last in first out. Each thing is
// added as soon as it exists.
type teardown struct {
	mu    sync.Mutex
	steps []step
}

type step struct {
	name string
	end  func(context.Context) error
}

func (t *teardown) add(name string, end func(context.Context) error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps = append(t.steps, step{name, end})
}

// run ends everything, also when something does not end well, and joins what went
// wrong.
func (t *teardown) run(ctx context.Context) error {
	t.mu.Lock()
	steps := t.steps
	t.steps = nil
	t.mu.Unlock()
	var errs []error
	for _, s := range slices.Backward(steps) {
		if err := s.end(ctx); err != nil {
			errs = append(errs, fmt.Errorf("cannot end the %s in order: %w", s.name, err))
		}
	}
	return errors.Join(errs...)
}

// await waits for something to end.
func await(ctx context.Context, ended <-chan struct{}) error {
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
