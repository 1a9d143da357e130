package probe

import "context"

// turn lets one at a time through, and no one wait for longer than they want.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// take waits for the turn, and reports whether it came.
func (t turn) take(ctx context.Context) bool {
	select {
	case t <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// give passes the turn on.
func (t turn) give() { <-t }

// look looks at what a file system may never answer: a dead disk or NFS server
// holds whoever asks in the kernel, where no deadline reaches. Whoever waits
// leaves in time, and nobody else goes in.
func (t turn) look(ctx context.Context, look func() answer) answer {
	if !t.take(ctx) {
		return unknown("the file system has not answered an earlier question")
	}
	seen := make(chan answer, 1)
	go func() {
		defer t.give()
		seen <- look()
	}()
	select {
	case a := <-seen:
		return a
	case <-ctx.Done():
		return unknown("the file system did not answer in time")
	}
}
