package qmp

import (
	"context"
	"errors"
	"testing"
	"time"
)

// long is a bound that is never reached unless something hangs.
const long = time.Minute

// client is one of a socket, with patience for a slow machine.
func client(t testing.TB, socket string) *Client {
	t.Helper()
	return clientWith(t, Options{Socket: socket})
}

func clientWith(t testing.TB, o Options) *Client {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = long
	}
	if o.Greeting == 0 {
		o.Greeting = long
	}
	c := New(o)
	t.Cleanup(c.Close)
	return c
}

// session is a connection of a new client.
func session(t testing.TB, socket string) *Conn {
	t.Helper()
	conn, err := client(t, socket).Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// within is a context that ends after so long.
func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// wants fails unless the error is all of these.
func wants(t testing.TB, err error, all ...error) {
	t.Helper()
	for _, want := range all {
		if !errors.Is(err, want) {
			t.Errorf("got error %q, which is not %q", err, want)
		}
	}
}

// notInDoubt fails if the error says that something may have been done.
func notInDoubt(t testing.TB, err error) {
	t.Helper()
	if err == nil || errors.Is(err, ErrInDoubt) {
		t.Errorf("got error %v, want one that leaves no doubt", err)
	}
}

// until gives call a deadline, and a longer one if it came too early for the call to
// get as far as an error of that kind.
func until(t testing.TB, want error, call func(context.Context) error) error {
	t.Helper()
	for d := 20 * time.Millisecond; d < long; d *= 2 {
		err := call(within(t, d))
		if errors.Is(err, want) {
			return err
		}
		wants(t, err, context.DeadlineExceeded)
	}
	t.Fatalf("it never got as far as %q", want)
	return nil
}
