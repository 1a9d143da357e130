package link

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Host is the end on the host. It keeps the line open, for as long as it is not
// closed, whether or not anybody is at the other end.
type Host struct {
	dial func(context.Context) (Stream, error)
	hear func(Status)

	stop  context.CancelFunc
	ended chan struct{}

	mu      sync.Mutex
	line    *line                // nil while there is none
	opened  chan struct{}        // closed when there is a line
	waiting map[string]chan done // who waits for the answer to an order
}

// NewHost opens the line with dial, again whenever it has ended, and calls hear
// with each status of the guest, one after the other. hear must not block.
func NewHost(dial func(context.Context) (Stream, error), hear func(Status)) *Host {
	ctx, stop := context.WithCancel(context.Background())
	h := &Host{
		dial: dial, hear: hear, stop: stop, ended: make(chan struct{}),
		opened: make(chan struct{}), waiting: map[string]chan done{},
	}
	go h.run(ctx)
	return h
}

// Close ends the line and returns once nothing of it is left.
func (h *Host) Close() {
	h.stop()
	<-h.ended
}

func (h *Host) run(ctx context.Context) {
	defer close(h.ended)
	for ctx.Err() == nil {
		h.once(ctx)
		pause(ctx, openAgain)
	}
}

// once uses one line until it ends. Why there is none the guest's silence says
// well enough: while the machine is down, there is no socket.
func (h *Host) once(ctx context.Context) {
	dialing, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	stream, err := h.dial(dialing)
	if err != nil {
		return
	}
	defer stream.Close()
	stop := context.AfterFunc(ctx, func() { stream.Close() })
	defer stop()
	l := newLine(stream)
	h.use(l)
	defer h.use(nil)
	_ = l.listen(ctx, h.heard)
}

// use puts a line into use, or says that there is none.
func (h *Host) use(l *line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.line = l
	if l != nil {
		close(h.opened)
	} else {
		h.opened = make(chan struct{})
	}
}

func (h *Host) heard(m message) {
	switch {
	case m.Status != nil:
		h.hear(*m.Status)
	case m.Done != nil:
		h.mu.Lock()
		defer h.mu.Unlock()
		if answer := h.waiting[m.Done.ID]; answer != nil {
			answer <- *m.Done // it has room for one, and is taken out here
			delete(h.waiting, m.Done.ID)
		}
	}
}

// ErrRefused says that the guest heard an order and could not make it durable.
var ErrRefused = errors.New("the agent inside refused")

// StandAside tells the agent inside to leave the acting to the host for so long,
// at most [MaxAside], and returns once that is durable in there. It is said again
// until it is answered or ctx ends. The error is ctx's, or [ErrRefused].
func (h *Host) StandAside(ctx context.Context, lasts time.Duration, reason string) error {
	o := order{ID: rand.Text(), Millis: lasts.Milliseconds(), Reason: tidy(reason)}
	if err := o.check(); err != nil {
		return fmt.Errorf("cannot tell the agent inside to stand aside: %w", err)
	}
	answer := make(chan done, 1)
	h.wait(o.ID, answer)
	defer h.wait(o.ID, nil)
	for {
		h.sayWhenOpen(ctx, o)
		again := time.NewTimer(sayAgain)
		select {
		case d := <-answer:
			again.Stop()
			return d.err()
		case <-ctx.Done():
			again.Stop()
			return fmt.Errorf("cannot tell the agent inside to stand aside: no answer: %w", context.Cause(ctx))
		case <-h.ended:
			again.Stop()
			return errors.New("cannot tell the agent inside to stand aside: the line was closed")
		case <-again.C:
		}
	}
}

func (d done) err() error {
	if d.Error == "" {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrRefused, d.Error)
}

// wait has an answer awaited, or no longer.
func (h *Host) wait(id string, answer chan done) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if answer == nil {
		delete(h.waiting, id)
		return
	}
	h.waiting[id] = answer
}

// sayWhenOpen sends an order once there is a line; what comes of that, the answer
// tells.
func (h *Host) sayWhenOpen(ctx context.Context, o order) {
	h.mu.Lock()
	l, opened := h.line, h.opened
	h.mu.Unlock()
	if l != nil {
		_ = l.say(ctx, message{Order: &o})
		return
	}
	select {
	case <-opened:
		h.sayWhenOpen(ctx, o)
	case <-ctx.Done():
	case <-h.ended:
	}
}
