package webhook

import (
	"context"
	"errors"
	"sync"
	"time"

	"nightshift/alerts"
)

const (
	// maxBatch is how long a message may become by adding notifications, in
	// bytes. A longer notification is a message by itself.
	maxBatch = 4 << 20
	// maxStored is the longest notification that can be stored: the stream
	// takes messages of 8 MiB, with their headers.
	maxStored = 8<<20 - 4<<10
	// keepBatch is the longest buffer of a message that is used again.
	keepBatch = 1 << 20
)

// errClosed says that nothing is stored any more.
var errClosed = errors.New("cannot store alerts: shutting down")

// committer is a group commit: while one message is being stored, what arrives
// waits, and is stored as one message with the next call. So a hundred senders
// share one fsync, and a single one never waits for company.
//
// It runs a goroutine only while there is something to store, so that the end
// of one sender's request can't take the others' message with it.
type committer struct {
	store   func(context.Context, []byte) error
	limit   int // of a message, in bytes
	timeout time.Duration
	life    context.Context // of all calls of the store
	end     context.CancelFunc

	mu      sync.Mutex
	waiting []*group // in order; only the last one takes more
	busy    bool     // the goroutine runs
	closed  bool
	idle    chan struct{} // closed once closed and not busy
	spare   alerts.Batch  // for the next group
}

// group is one message and those who wait for it.
type group struct {
	batch alerts.Batch
	done  chan struct{} // closed when err is set
	err   error
}

func newCommitter(store func(context.Context, []byte) error, limit int, timeout time.Duration) *committer {
	life, end := context.WithCancel(context.Background())
	return &committer{
		store: store, limit: limit, timeout: timeout,
		life: life, end: end,
		idle: make(chan struct{}),
	}
}

// commit returns nil once the notification is durable, or why it may not be.
// When ctx ends first, it may be stored all the same.
func (c *committer) commit(ctx context.Context, encoded []byte) error {
	g, err := c.join(encoded)
	if err != nil {
		return err
	}
	select {
	case <-g.done:
	case <-ctx.Done():
	case <-c.life.Done():
	}
	return g.outcome(ctx)
}

// outcome prefers what has become of the message to why nobody waits for it.
func (g *group) outcome(ctx context.Context) error {
	select {
	case <-g.done:
		return g.err
	default:
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errClosed
}

// join adds a notification to the last group that waits, or to a new one.
func (c *committer) join(encoded []byte) (*group, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	g := c.last()
	if g == nil || g.batch.SizeWith(len(encoded)) > c.limit {
		g = &group{batch: c.spare, done: make(chan struct{})}
		c.spare = alerts.Batch{}
		c.waiting = append(c.waiting, g)
	}
	g.batch.Add(encoded)
	if !c.busy {
		c.busy = true
		go c.run()
	}
	return g, nil
}

func (c *committer) last() *group {
	if len(c.waiting) == 0 {
		return nil
	}
	return c.waiting[len(c.waiting)-1]
}

// run stores group after group until none waits.
func (c *committer) run() {
	for g := c.next(); g != nil; g = c.next() {
		g.err = c.publish(g.batch.Message())
		c.reuse(g.batch)
		close(g.done)
	}
}

// next takes the first group that waits; without one, run has to end.
func (c *committer) next() *group {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) > 0 {
		g := c.waiting[0]
		c.waiting = c.waiting[1:]
		return g
	}
	c.busy = false
	if c.closed {
		close(c.idle)
	}
	return nil
}

func (c *committer) publish(message []byte) error {
	if c.life.Err() != nil {
		return errClosed
	}
	ctx, cancel := context.WithTimeout(c.life, c.timeout)
	defer cancel()
	return c.store(ctx, message)
}

func (c *committer) reuse(b alerts.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.Cap() <= keepBatch {
		c.spare = b
	}
}

// close refuses what comes and waits for what is there, until ctx ends; then
// the call of the store is cancelled, and who still waits is told errClosed.
func (c *committer) close(ctx context.Context) error {
	c.mu.Lock()
	if !c.closed && !c.busy {
		close(c.idle)
	}
	c.closed = true
	c.mu.Unlock()

	defer c.end()
	select {
	case <-c.idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
