package qmp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// do sends one command of the list, once, and waits for its answer.
func (c *Conn) do(ctx context.Context, execute string, arguments json.RawMessage) (json.RawMessage, error) {
	if err := permit(execute, arguments); err != nil {
		return nil, err
	}
	ctx, cancel := bounded(ctx, c.timeout)
	defer cancel()
	call := c.next(execute, arguments)
	line, err := call.encode()
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", execute, err)
	}
	waits := c.expect(call.ID)
	defer c.take(call.ID)
	if err := c.send(ctx, line); err != nil {
		return nil, fmt.Errorf("cannot do %s: %w", execute, err)
	}
	value, err := c.wait(ctx, waits)
	if err != nil {
		return nil, fmt.Errorf("cannot do %s: %w", execute, err)
	}
	return value, nil
}

// wait waits for an answer; one that is there counts, whatever else has happened.
func (c *Conn) wait(ctx context.Context, waits <-chan answer) (json.RawMessage, error) {
	var err error
	select {
	case a := <-waits:
		return a.value, a.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-c.gone:
		err = c.Err()
	}
	select {
	case a := <-waits:
		return a.value, a.err
	default:
		return nil, fmt.Errorf("%w: %w", ErrInDoubt, err)
	}
}

// send writes one line. An error that is not [ErrInDoubt] means that QEMU never got
// the whole of it.
func (c *Conn) send(ctx context.Context, line []byte) error {
	if err := c.turn(ctx); err != nil {
		return err
	}
	defer func() { <-c.writing }()
	stop := interrupt(ctx, c.socket.SetWriteDeadline)
	written, err := c.socket.Write(line)
	stop()
	if err == nil {
		return nil
	}
	return c.unsent(ctx, line, written, err)
}

// turn waits until nobody else writes.
func (c *Conn) turn(ctx context.Context) error {
	select {
	case <-c.gone:
		return c.Err()
	case <-ctx.Done():
		return ctx.Err()
	case c.writing <- struct{}{}:
	}
	if err := errors.Join(c.Err(), ctx.Err()); err != nil {
		<-c.writing
		return err
	}
	return nil
}

// unsent judges a write that failed. QEMU does a command once its last brace is
// there; a part of one spoils the connection.
func (c *Conn) unsent(ctx context.Context, line []byte, written int, err error) error {
	late := errors.Is(err, os.ErrDeadlineExceeded)
	if late && written == 0 {
		return fmt.Errorf("QEMU reads nothing: %w", ctx.Err())
	}
	if late {
		err = fmt.Errorf("QEMU stopped reading in the middle of a command: %w", ctx.Err())
	}
	c.end(fmt.Errorf("%w: %w", ErrGone, err))
	if written >= len(line)-1 {
		return fmt.Errorf("%w: %w", ErrInDoubt, c.Err())
	}
	return c.Err()
}
