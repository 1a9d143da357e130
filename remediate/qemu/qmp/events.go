package qmp

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/digitalocean/go-qemu/qmp"
)

// Subscription is one reader's queue of events, in the order in which QEMU sent
// them. An event that came before an answer is in the queue before the call returns.
type Subscription struct {
	events  chan qmp.Event
	dropped atomic.Uint64
}

// Events is closed when the subscription's context ends or the connection is gone;
// what was queued by then can still be read.
func (s *Subscription) Events() <-chan qmp.Event { return s.events }

// Dropped is how many events were lost because the queue was full; the oldest go
// first.
func (s *Subscription) Dropped() uint64 { return s.dropped.Load() }

// put never blocks: its caller is the only one that sends, so that there is room
// once the oldest is out.
func (s *Subscription) put(e qmp.Event) {
	for {
		select {
		case s.events <- e:
			return
		default:
		}
		select {
		case <-s.events:
			s.dropped.Add(1)
		default: // the reader made room meanwhile
		}
	}
}

// audience are the subscriptions of one connection.
type audience struct {
	queue int

	mu      sync.Mutex
	members map[*Subscription]func() bool // what stops watching its context
	left    bool
}

// join adds a subscription that lasts until ctx ends; one that comes after leave
// is closed already.
func (a *audience) join(ctx context.Context) *Subscription {
	s := &Subscription{events: make(chan qmp.Event, a.queue)}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left {
		close(s.events)
		return s
	}
	if a.members == nil {
		a.members = map[*Subscription]func() bool{}
	}
	a.members[s] = context.AfterFunc(ctx, func() { a.part(s) })
	return s
}

func (a *audience) part(s *Subscription) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, in := a.members[s]; in {
		delete(a.members, s)
		close(s.events)
	}
}

func (a *audience) tell(e qmp.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for s := range a.members {
		s.put(e)
	}
}

// leave ends all subscriptions, for ever.
func (a *audience) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left = true
	for s, stop := range a.members {
		stop()
		close(s.events)
	}
	a.members = nil
}
