package qmp

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Bounds where [Options] name none.
const (
	// DefaultTimeout is of a call whose context has no deadline. QEMU answers from
	// its main loop, within milliseconds unless its disk hangs.
	DefaultTimeout = 10 * time.Second
	// DefaultGreeting is how long a connection may take to be ready for commands.
	DefaultGreeting = 3 * time.Second
	// DefaultQueue is how many events a subscriber may be behind.
	DefaultQueue = 256
)

// Pauses between attempts to connect that failed, in a row: a QEMU that is started
// has its socket within a second.
const (
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// Options of a [Client]. What is zero gets its default.
type Options struct {
	// Socket is the path of QEMU's QMP socket, at most 107 bytes (unix(7)).
	Socket string
	// Timeout bounds a call whose context has no deadline.
	Timeout time.Duration
	// Greeting bounds connecting, whatever deadline the context has.
	Greeting time.Duration
	// Queue is how many events each subscription holds; it drops the oldest then.
	Queue int
}

// Client keeps a connection to whatever QEMU listens on a socket. It connects when
// it is first used and when it is used after a loss, and never sends a command a
// second time. It is safe for concurrent use.
type Client struct {
	Commands
	options Options
	life    context.Context
	end     context.CancelFunc
	dialing chan struct{} // held by who dials or hangs up

	// Guarded by dialing.
	pauses backoff.BackOff
	again  time.Time // not before
	failed error     // why the last attempt failed

	mu      sync.Mutex
	current *Conn // nil when there is none
}

// New returns a client that is not yet connected. Close ends it.
func New(o Options) *Client {
	c := &Client{options: o.withDefaults(), dialing: make(chan struct{}, 1), pauses: pauses()}
	c.life, c.end = context.WithCancel(context.Background())
	c.Commands = Commands{c.do}
	return c
}

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Greeting == 0 {
		o.Greeting = DefaultGreeting
	}
	if o.Queue == 0 {
		o.Queue = DefaultQueue
	}
	return o
}

func pauses() backoff.BackOff {
	p := backoff.NewExponentialBackOff()
	p.InitialInterval, p.MaxInterval = firstPause, longestPause
	p.Reset()
	return p
}

// Session is the connection that there is, or a new one: to one QEMU, which may be
// another than last time. It stays the client's, who closes it.
//
// After an attempt that failed it waits a little before the next one, 50 ms and
// growing to a second; when ctx does not last that long, the last failure is
// returned at once.
func (c *Client) Session(ctx context.Context) (*Conn, error) {
	if conn := c.standing(); conn != nil {
		return conn, nil
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	if err := c.hold(ctx); err != nil {
		return nil, err
	}
	defer c.release()
	if conn := c.standing(); conn != nil {
		return conn, nil // somebody else was faster
	}
	if err := c.pause(ctx); err != nil {
		return nil, err
	}
	return c.connect(ctx)
}

// Close lets go of the socket for ever; calls under way fail, and later ones too.
func (c *Client) Close() {
	c.end()
	c.letGo()
}

// standing is the connection, unless it is gone.
func (c *Client) standing() *Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil || c.current.Err() != nil {
		return nil
	}
	return c.current
}

// within is ctx with the bound of a call, ended by Close too.
func (c *Client) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := bounded(ctx, c.options.Timeout)
	ctx, because := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.life, func() { because(errClosed) })
	return ctx, func() { stop(); because(nil); cancel() }
}

// hold waits until nobody else dials. Close lets go last: what it did not wait for
// sees that the client is closed.
func (c *Client) hold(ctx context.Context) error {
	select {
	case c.dialing <- struct{}{}:
	case <-ctx.Done():
		return c.unreached(context.Cause(ctx))
	}
	if c.life.Err() != nil {
		c.release()
		return c.unreached(errClosed)
	}
	return nil
}

func (c *Client) unreached(err error) error {
	return fmt.Errorf("cannot reach QEMU at %s: %w", c.options.Socket, err)
}

func (c *Client) release() { <-c.dialing }

// pause waits until the next attempt is due, unless ctx ends before.
func (c *Client) pause(ctx context.Context) error {
	if until, ok := ctx.Deadline(); c.failed != nil && ok && until.Before(c.again) {
		return c.failed
	}
	timer := time.NewTimer(time.Until(c.again))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return c.unreached(context.Cause(ctx))
	}
}

// connect dials once, and notes when it may be tried again.
func (c *Client) connect(ctx context.Context) (*Conn, error) {
	conn, err := dial(ctx, c.options)
	c.failed = err
	if err != nil {
		c.again = time.Now().Add(c.pauses.NextBackOff())
		return nil, err
	}
	c.pauses.Reset()
	c.again = time.Time{}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = conn
	return conn, nil
}

// letGo closes the connection, if there is one, after an attempt under way.
func (c *Client) letGo() {
	c.dialing <- struct{}{}
	defer c.release()
	c.mu.Lock()
	conn := c.current
	c.current = nil
	c.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

func (c *Client) do(ctx context.Context, execute string, arguments json.RawMessage) (json.RawMessage, error) {
	if err := permit(execute, arguments); err != nil {
		return nil, err
	}
	ctx, cancel := bounded(ctx, c.options.Timeout)
	defer cancel()
	conn, err := c.Session(ctx)
	if err != nil {
		return nil, err
	}
	return conn.do(ctx, execute, arguments)
}

// bounded is ctx with a deadline, if it has none.
func bounded(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, timeout)
}
