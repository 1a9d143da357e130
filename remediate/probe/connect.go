package probe

import (
	"context"
	"errors"
	"net"
	"net/url"
	"syscall"
)

// dialError is a connection that did not come about. It tells what failed before
// the service was reached from what failed afterwards.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// dial opens a connection over TCP. Its error is a [dialError].
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, &dialError{err}
	}
	return conn, nil
}

// judge says whose fault an error of a connection is.
func judge(ctx context.Context, err error) answer {
	failed := new(dialError)
	switch {
	case errors.As(err, &failed):
		return judgeDial(ctx, failed.err)
	case ctx.Err() != nil:
		return unhealthy("it took the connection and did not answer in time")
	}
	return unhealthy("%s", reason(err))
}

// judgeDial says whose fault it is that nothing was reached. Only what a service
// that is down looks like counts against it.
func judgeDial(ctx context.Context, err error) answer {
	unresolved := new(net.DNSError)
	switch {
	case errors.As(err, &unresolved):
		return unknown("cannot resolve %s: %s", unresolved.Name, unresolved.Err)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
		return unhealthy("%s", reason(err))
	case ctx.Err() != nil, errors.Is(err, syscall.ETIMEDOUT):
		return unhealthy("it did not take the connection in time")
	}
	return unknown("cannot connect: %s", reason(err))
}

// reason is an error without the question that a URL error repeats.
func reason(err error) string {
	if outer := new(url.Error); errors.As(err, &outer) {
		err = outer.Err
	}
	return err.Error()
}
