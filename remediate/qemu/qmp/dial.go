package qmp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// longestPath is what sun_path holds beside its final zero, in bytes: unix(7).
const longestPath = 107

// queueFull is how long to wait before connecting again to a socket whose queue is
// full: much less than a person waits, much more than an attempt costs (20 us).
const queueFull = 10 * time.Millisecond

// dial opens a connection, greets QEMU and negotiates, all within ctx and the
// greeting's own bound.
func dial(ctx context.Context, o Options) (*Conn, error) {
	inner, cancel := context.WithTimeout(ctx, o.Greeting)
	defer cancel()
	socket, err := reach(inner, o.Socket)
	if err != nil {
		return nil, fmt.Errorf("cannot reach QEMU at %s: %w", o.Socket, because(ctx, err))
	}
	c := newConn(socket, o)
	if err := c.greet(inner); err != nil {
		socket.Close()
		return nil, fmt.Errorf("cannot open QMP at %s: %w", o.Socket, because(ctx, err))
	}
	go c.read()
	return c, nil
}

// reach connects, which on a Unix socket never waits. The queue of a QEMU that accepts
// nobody is full when two wait in it (unix(7), EAGAIN), also once they have given up;
// it is tried again until ctx ends, and is [ErrHeld] then.
func reach(ctx context.Context, path string) (net.Conn, error) {
	if len(path) > longestPath {
		return nil, fmt.Errorf("the path has %d bytes and a socket's may have %d: use a shorter one", len(path), longestPath)
	}
	again := time.NewTicker(queueFull)
	defer again.Stop()
	for {
		socket, err := net.Dial("unix", path)
		if err == nil {
			return socket, nil
		}
		if !errors.Is(err, syscall.EAGAIN) {
			return nil, fmt.Errorf("%w: %w", ErrGone, err)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, inVain(ctx)
		}
	}
}

// inVain says what it means that ctx ended before QEMU turned to us.
func inVain(ctx context.Context) error {
	if ctx.Err() == context.Canceled {
		return context.Cause(ctx)
	}
	return ErrHeld
}

// because says which of two deadlines it was: the caller's own comes with the
// reason, the greeting's is the reason.
func because(ctx context.Context, err error) error {
	if ctx.Err() == nil || errors.Is(err, context.Cause(ctx)) {
		return err
	}
	return fmt.Errorf("%w: %w", err, context.Cause(ctx))
}

// greet reads the greeting and ends the negotiation.
func (c *Conn) greet(ctx context.Context) error {
	stop := interrupt(ctx, c.socket.SetDeadline)
	defer stop()
	if err := c.hear(ctx); err != nil {
		return err
	}
	call := c.next(qmpCapabilities, nil)
	line, err := call.encode()
	if err != nil {
		return err
	}
	if _, err := c.socket.Write(line); err != nil {
		return lost(err)
	}
	return c.negotiated(call.ID)
}

// hear reads the greeting. Silence up to the deadline is [ErrHeld].
func (c *Conn) hear(ctx context.Context) error {
	m, err := c.receive()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no greeting: %w", inVain(ctx))
	case err != nil:
		return lost(err)
	case m.Greeting == nil:
		return fmt.Errorf("%w: it does not begin with a greeting", ErrProtocol)
	}
	c.Version = m.Greeting.Version
	return nil
}

// negotiated waits for the answer to qmp_capabilities.
func (c *Conn) negotiated(id string) error {
	for {
		m, err := c.receive()
		if err != nil {
			return lost(err)
		}
		if got, ok := m.id(); ok && got == id {
			return m.answer().err
		}
	}
}

// receive reads the next message.
func (c *Conn) receive() (message, error) {
	line, err := readLine(c.reader, MaxMessage)
	if err != nil {
		return message{}, err
	}
	return decode(line)
}

// lost says that a failed read or write has ended the connection.
func lost(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: it greeted and then said no more: %w", ErrGone, context.DeadlineExceeded)
	}
	return fmt.Errorf("%w: %w", ErrGone, err)
}

// interrupt makes reads or writes under way fail once ctx has ended. What it
// returns takes that back, and must be called.
func interrupt(ctx context.Context, set func(time.Time) error) (stop func()) {
	done := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = set(time.Unix(1, 0)) // long past; fails only on a closed connection
	})
	return func() {
		if !cancel() {
			<-done
			_ = set(time.Time{})
		}
	}
}

// newConn is a connection that has neither greeted nor been greeted.
func newConn(socket net.Conn, o Options) *Conn {
	c := &Conn{
		prefix:   newPrefix(),
		socket:   socket,
		reader:   bufio.NewReader(socket),
		timeout:  o.Timeout,
		writing:  make(chan struct{}, 1),
		gone:     make(chan struct{}),
		stopped:  make(chan struct{}),
		pending:  map[string]chan answer{},
		audience: audience{queue: o.Queue},
	}
	c.Commands = Commands{c.do}
	return c
}
