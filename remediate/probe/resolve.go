package probe

import (
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
type Resolve struct {
	o        ResolveOptions
	resolver *net.Resolver
}

// NewResolve makes a probe of name resolution.
func NewResolve(o ResolveOptions) *Resolve {
	resolver := &net.Resolver{PreferGo: true}
	if o.Server != "" {
		resolver.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, o.Server)
		}
	}
	return &Resolve{o, resolver}
}

// Probe looks up once. It is the servers that are asked about here: what they
// don't answer is unhealthy, and only what this process lacks is unknown.
func (r *Resolve) Probe(ctx context.Context) remediate.Observation {
	return ask(ctx, r.o.Name, r.o.Timeout, func(ctx context.Context) answer {
		found, err := r.resolver.LookupNetIP(ctx, "ip", r.o.Host)
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

// lacking tells what is missing to this process, or not allowed to it.
func lacking(err error) bool {
	for _, errno := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EACCES, syscall.EPERM, syscall.EAFNOSUPPORT} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
