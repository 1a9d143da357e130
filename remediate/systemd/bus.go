package systemd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
)

// Options of a [Bus].
type Options struct {
	// Log is told once each time systemd gets out of reach, or comes back.
	Log *slog.Logger
	// Registry gets the metrics.
	Registry prometheus.Registerer
	// Changed, where set, is called once each time systemd gets out of reach,
	// with the reason, or comes back, with nil; the first time from Connect. It
	// must not block.
	Changed func(error)
	// Address is that of the bus, as the D-Bus specification writes one; empty
	// means the system's.
	Address string
}

// Bus keeps a connection to the system's systemd: when it is lost, calls fail at
// once with [ErrUnreachable] until it is back.
type Bus struct {
	options Options
	metrics metrics
	stop    context.CancelFunc
	stopped chan struct{}

	mu      sync.Mutex
	current *connection // nil while there is none
	err     error       // why there is none
}

// Why there is no connection.
var (
	errLost   = fmt.Errorf("%w: the connection was lost", ErrUnreachable)
	errClosed = fmt.Errorf("%w: closed by us", ErrUnreachable)
)

// Connect tries once, for at most 2 s, and returns a Bus whether or not systemd
// was there; from then on it keeps trying. Close ends it.
func Connect(o Options) *Bus {
	ctx, stop := context.WithCancel(context.Background())
	b := &Bus{options: o, metrics: newMetrics(o.Registry), stop: stop, stopped: make(chan struct{})}
	first, err := connect(ctx, o.Address)
	b.set(first, err)
	go b.keep(ctx, first)
	return b
}

// Close ends the connection, and with it every call that waits for an answer.
func (b *Bus) Close() {
	b.stop()
	<-b.stopped
}

// Err is nil while systemd can be reached; otherwise it says why not, and wraps
// [ErrUnreachable].
func (b *Bus) Err() error {
	_, err := b.connection()
	return err
}

// Connected reports whether systemd can be reached.
func (b *Bus) Connected() bool { return b.Err() == nil }

// connection is the one there is, or why there is none.
func (b *Bus) connection() (*connection, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil && b.current.alive.Err() != nil {
		return nil, errLost // keep is about to notice
	}
	return b.current, b.err
}

// keep watches the connection and replaces it, until ctx ends.
func (b *Bus) keep(ctx context.Context, c *connection) {
	defer close(b.stopped)
	for {
		if c != nil {
			<-c.gone()
			c.close()
		}
		if ctx.Err() != nil {
			b.set(nil, errClosed)
			return
		}
		if c != nil {
			b.set(nil, errLost)
		}
		c = b.reconnect(ctx)
	}
}

// reconnect tries until it has a connection; nil when ctx ended first.
func (b *Bus) reconnect(ctx context.Context) *connection {
	c, err := backoff.Retry(ctx,
		func() (*connection, error) { return connect(ctx, b.options.Address) },
		backoff.WithBackOff(pauses()),
		backoff.WithMaxElapsedTime(0), // for ever
		backoff.WithNotify(func(err error, _ time.Duration) { b.set(nil, err) }))
	if err != nil {
		return nil
	}
	b.set(c, nil)
	return c
}

// pauses are how long to wait between tries: a bus that is restarted is back
// within a second, and one that is gone is not worth much work.
func pauses() backoff.BackOff {
	p := backoff.NewExponentialBackOff()
	p.InitialInterval, p.MaxInterval = 100*time.Millisecond, 5*time.Second
	return p
}

// set notes what there is now, and tells of it if it is news.
func (b *Bus) set(c *connection, err error) {
	b.mu.Lock()
	news := b.err != nil && err == nil || b.err == nil && err != nil || b.current == nil && c != nil
	b.current, b.err = c, err
	b.mu.Unlock()
	if !news || errors.Is(err, errClosed) {
		return
	}
	b.tell(err)
}

func (b *Bus) tell(err error) {
	b.metrics.setConnected(err == nil)
	if err == nil {
		b.options.Log.Info("systemd can be reached")
	} else {
		b.options.Log.Error("systemd is out of reach: units are neither watched nor repaired", "err", err)
	}
	if b.options.Changed != nil {
		b.options.Changed(err)
	}
}
