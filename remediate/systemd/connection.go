package systemd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// Bounds of a connection. Connecting takes about 2 ms and a read 1 ms; PID 1 was
// seen to need some seconds while it reloads all its units.
const (
	dialTimeout = 2 * time.Second
	callTimeout = 5 * time.Second
)

// connection is one connection to systemd: two of D-Bus, one for calls and one
// for signals, which live and die together.
type connection struct {
	*sd.Conn
	calls *dbus.Conn // the one for calls, for whom go-systemd does not know
	alive context.Context
	end   context.CancelFunc
}

// connect dials, and returns once systemd itself has answered: a bus without
// systemd is not worth having. The connection lives until ctx ends.
func connect(ctx context.Context, address string) (*connection, error) {
	c := &connection{}
	c.alive, c.end = context.WithCancel(ctx)
	// A socket can take a connection that nobody ever answers; only the end of
	// the connection's own context ends such a wait.
	impatience := time.AfterFunc(dialTimeout, c.end)
	err := c.open(address)
	if !impatience.Stop() {
		err = fmt.Errorf("no answer in %s", dialTimeout)
	}
	if err != nil {
		c.close()
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return c, nil
}

func (c *connection) open(address string) error {
	conn, err := sd.NewConnection(func() (*dbus.Conn, error) { return c.dial(address) })
	if err != nil {
		return err
	}
	c.Conn = conn
	_, err = c.SystemStateContext(c.alive)
	return err
}

// dial makes one of the two; when it ends, the other ends too.
func (c *connection) dial(address string) (*dbus.Conn, error) {
	open := dbus.SystemBusPrivate
	if address != "" {
		open = func(o ...dbus.ConnOption) (*dbus.Conn, error) { return dbus.Dial(address, o...) }
	}
	conn, err := open(dbus.WithContext(c.alive))
	if err != nil {
		return nil, err
	}
	// By number: looking a name up may need a bus.
	if err := conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Getuid()))}); err != nil {
		_ = conn.Close() // the first error tells more
		return nil, err
	}
	if err := conn.Hello(); err != nil {
		_ = conn.Close() // the first error tells more
		return nil, err
	}
	context.AfterFunc(conn.Context(), c.end)
	if c.calls == nil { // go-systemd dials for its calls first
		c.calls = conn
	}
	return conn, nil
}

// gone is closed when the connection is lost or closed.
func (c *connection) gone() <-chan struct{} { return c.alive.Done() }

func (c *connection) close() {
	c.end()
	if c.Conn != nil {
		c.Close()
	}
}

// Results of a job: systemd's own that mean something special here, and two for
// a job whose end was not heard, because it was lost or because it did not come.
const (
	jobDone     = "done"
	jobCanceled = "canceled"
	jobGone     = "gone"
	jobRuns     = "runs"
)

// enqueue is a method of systemd's manager that queues a job, as go-systemd
// offers it.
type enqueue func(c *sd.Conn, ctx context.Context, unit, mode string, result chan<- string) (int, error)

// lookAgain is how often a job is looked for while its end is waited for, in case
// the signal was lost (PID 1 executing itself anew, for one).
const lookAgain = 2 * time.Second

// run queues a job and waits for its result, at most until ctx's deadline: then
// the result is jobRuns. It returns an error when the call fails, when the
// connection ends, and when ctx is canceled.
func (c *connection) run(ctx context.Context, queue enqueue, unit string) (string, error) {
	// Buffered: a result that nobody takes would stop every other job's.
	results := make(chan string, 1)
	job, err := queue(c.Conn, ctx, unit, "replace", results)
	if err != nil {
		return "", err
	}
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for {
		select {
		case result := <-results:
			return result, nil
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return jobRuns, nil
			}
			return "", ctx.Err()
		case <-c.gone():
			return "", dbus.ErrClosed
		case <-ticker.C:
			if c.forgot(ctx, unit, job) && len(results) == 0 {
				return jobGone, nil
			}
		}
	}
}

// forgot reports whether systemd has no such job of the unit any more.
func (c *connection) forgot(ctx context.Context, unit string, job int) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	status, err := c.ListUnitsByNamesContext(ctx, []string{unit})
	return err == nil && len(status) == 1 && int(status[0].JobId) != job
}
