package probe

import (
	"cmp"
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"nightshift/remediate"
)

// ResolveOptions say which name is looked up.
type ResolveOptions struct {
	Name string
	// Host is the name to look up.
	Host string
	// Server is the name server to ask, as HOST:PORT; those of the host if empty.
	Server  string
	Timeout time.Duration
}

// Resolve looks a name up as programs of this host do: in /etc/hosts, then with
// the name servers of /etc/resolv.conf.
type Resolve struct{ o ResolveOptions }

// NewResolve makes a probe of name resolution.
func NewResolve(o ResolveOptions) *Resolve { return &Resolve{o} }

// Probe looks up once. It is the servers that are asked about here: what they
// don't answer is unhealthy, and only what this process lacks is unknown.
func (r *Resolve) Probe(ctx context.Context) remediate.Observation {
	return ask(ctx, r.o.Name, r.o.Timeout, func(ctx context.Context) answer {
		found, err := r.resolver(ctx).LookupNetIP(ctx, "ip", r.o.Host)
		switch {
		case lacking(err):
			return unknown("cannot ask: %v", err)
		case err != nil && ctx.Err() != nil:
			return unhealthy("no name server answered in time")
		case err != nil:
			return unhealthy("%v", err)
		}
		return healthy("%s is %s", r.o.Host, found[0].Unmap())
	})
}

// resolver is for one question. [net.Resolver] goes on asking when nobody waits for
// the answer any more; its connections end with the question.
func (r *Resolve) resolver(question context.Context) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, server string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, cmp.Or(r.o.Server, server))
		if err != nil {
			return nil, err
		}
		context.AfterFunc(question, func() { conn.Close() })
		return conn, nil
	}}
}

// lacking tells what is missing to this process, or not allowed to it.
func lacking(err error) bool {
	for _, errno := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EACCES, syscall.EPERM, syscall.EAFNOSUPPORT} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
