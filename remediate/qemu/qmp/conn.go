package qmp

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/digitalocean/go-qemu/qmp"
)

// Conn is one connection to one QEMU process. All its calls are of that process,
// and once it is gone they fail with [ErrGone], for ever: what depends on talking
// to the same QEMU all along uses a Conn, from [Client.Session]. It is safe for
// concurrent use.
type Conn struct {
	Commands
	// Version is what QEMU said of itself in its greeting.
	Version qmp.Version

	socket   net.Conn
	reader   *bufio.Reader // of read alone, once greeted
	timeout  time.Duration // of a call whose context has no deadline
	prefix   string        // of ids
	writing  chan struct{} // held by who writes
	gone     chan struct{}
	stopped  chan struct{} // read has returned
	audience audience

	mu      sync.Mutex
	calls   uint64
	pending map[string]chan answer
	err     error // why it is gone
}

// newPrefix keeps ids apart from those of earlier connections, whose answers QEMU
// may still owe.
func newPrefix() string { return rand.Text()[:8] + "-" }

// Gone is closed once the connection is gone, and every call with it.
func (c *Conn) Gone() <-chan struct{} { return c.gone }

// Err is nil while the connection stands; then it says why it is gone, and wraps
// [ErrGone].
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Subscribe queues QEMU's events from now on, until ctx ends or the connection is
// gone.
func (c *Conn) Subscribe(ctx context.Context) *Subscription { return c.audience.join(ctx) }

// Close ends the connection and waits for its reader; calls under way fail.
func (c *Conn) Close() {
	c.end(fmt.Errorf("%w: we have let go of it", ErrGone))
	<-c.stopped
}

// read hands out what comes, until nothing does.
func (c *Conn) read() {
	defer close(c.stopped)
	for {
		m, err := c.receive()
		if err == nil {
			err = c.deliver(m)
		}
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("QEMU closed it")
		}
		if err != nil {
			c.end(fmt.Errorf("%w: %w", ErrGone, err))
			return
		}
	}
}

// deliver gives an answer to its call, an event to the audience. An answer that
// nobody waits for any more is dropped; one that cannot be told whose it is means
// that we no longer understand each other.
func (c *Conn) deliver(m message) error {
	if m.Event.Event != "" {
		c.audience.tell(m.Event)
		return nil
	}
	id, ok := m.id()
	if !ok {
		return fmt.Errorf("%w: an answer without an id", ErrProtocol)
	}
	if waits, ok := c.take(id); ok {
		waits <- m.answer()
	}
	return nil
}

// end closes the connection, once; the first reason stays.
func (c *Conn) end(why error) {
	c.mu.Lock()
	first := c.err == nil
	if first {
		c.err = why
	}
	c.mu.Unlock()
	if !first {
		return
	}
	c.socket.Close()
	close(c.gone)
	c.audience.leave()
}

// next numbers a command.
func (c *Conn) next(execute string, arguments []byte) command {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	return command{Execute: execute, Arguments: arguments, ID: c.prefix + strconv.FormatUint(c.calls, 10)}
}

// expect makes room for the answer to a command that is about to be sent.
func (c *Conn) expect(id string) <-chan answer {
	waits := make(chan answer, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending[id] = waits
	return waits
}

func (c *Conn) take(id string) (chan answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	waits, ok := c.pending[id]
	delete(c.pending, id)
	return waits, ok
}
