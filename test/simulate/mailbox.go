package simulate

import (
	"context"
	"sync"

	"nightshift/alerts"
	"nightshift/remediate"
)

// mailbox is the stream of alerts: what was answered with 200 is on disk.
type mailbox struct {
	w       *world
	mu      sync.Mutex
	letters [][]remediate.Arrival
	arrived chan struct{}
}

func newMailbox(w *world) *mailbox { return &mailbox{w: w, arrived: make(chan struct{})} }

// receives stores one notification.
func (m *mailbox) receives(truncated bool, all ...alerts.Alert) {
	now := m.w.clock.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	letter := make([]remediate.Arrival, len(all))
	for n, a := range all {
		letter[n] = remediate.Arrival{
			Alert: a, Received: now, Truncated: truncated,
			Position: remediate.Position{Message: uint64(len(m.letters) + 1), Alert: n},
		}
	}
	m.letters = append(m.letters, letter)
	m.w.observer.delivers(letter)
	close(m.arrived)
	m.arrived = make(chan struct{})
}

// next waits for the n-th notification.
func (m *mailbox) next(ctx context.Context, n uint64) ([]remediate.Arrival, bool) {
	for {
		m.mu.Lock()
		arrived, have := m.arrived, uint64(len(m.letters)) >= n
		var letter []remediate.Arrival
		if have {
			letter = m.letters[n-1]
		}
		m.mu.Unlock()
		if have {
			return letter, true
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, false
		}
	}
}

// position is the place of the last alert.
func (m *mailbox) position() remediate.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.letters) == 0 {
		return remediate.Position{}
	}
	last := m.letters[len(m.letters)-1]
	return last[len(last)-1].Position
}
