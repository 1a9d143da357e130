package webhook

import (
	"context"
	"time"
)

// Answers are all fixed answers, by text.
func Answers() map[string]int {
	all := map[string]int{}
	for _, a := range answers {
		all[a.text] = a.code
	}
	return all
}

// BodiesInMemory is what the budget of bodies holds now.
func (h *Handler) BodiesInMemory() int64 { return h.budget.used.Load() }

// MaxBodies is the budget.
const MaxBodies = maxBodies

// Committer is the group commit alone.
type Committer struct{ *committer }

// NewCommitter makes one with a limit of its own.
func NewCommitter(store Store, limit int, timeout time.Duration) Committer {
	return Committer{newCommitter(store.StoreAlerts, limit, timeout)}
}

// Commit and Close are what the handler calls.
func (c Committer) Commit(ctx context.Context, encoded []byte) error { return c.commit(ctx, encoded) }

// Close ends it.
func (c Committer) Close(ctx context.Context) error { return c.close(ctx) }

// ErrClosed is what commit returns after Close.
var ErrClosed = errClosed
