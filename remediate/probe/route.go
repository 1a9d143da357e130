package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/netip"
	"path"
	"strings"
	"syscall"
	"time"

	"nightshift/remediate"
)

// RouteOptions say where a way must lead.
type RouteOptions struct {
	Name string
	// To is an IP address; empty for one that only the default route is for.
	To      string
	Timeout time.Duration
	// FS is the root of the files read, of sys; [Root] if nil.
	FS fs.FS
}

// elsewhere is an address that nobody has, so that no route but the default one
// is for it: TEST-NET-1 of RFC 5737.
const elsewhere = "192.0.2.1"

// anyPort stands where a port is needed and nothing is sent: discard, RFC 863.
const anyPort = "9"

// Route asks the kernel which way a packet would go. None is sent.
type Route struct{ o RouteOptions }

// NewRoute makes a probe of a route.
func NewRoute(o RouteOptions) *Route {
	if o.To == "" {
		o.To = elsewhere
	}
	if o.FS == nil {
		o.FS = Root()
	}
	return &Route{o}
}

// Probe asks once: a socket for datagrams that is connected has its route and its
// own address, and nothing has been sent (connect(2)).
func (r *Route) Probe(ctx context.Context) remediate.Observation {
	return ask(ctx, r.o.Name, r.o.Timeout, func(ctx context.Context) answer {
		conn, err := new(net.Dialer).DialContext(ctx, "udp", net.JoinHostPort(r.o.To, anyPort))
		switch {
		case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
			return unhealthy("there is no way to %s: %s", r.o.To, reason(err))
		case err != nil:
			return unknown("cannot ask for the way to %s: %s", r.o.To, reason(err))
		}
		defer conn.Close()
		return r.leaves(conn.LocalAddr())
	})
}

// leaves looks at the interface by which a packet would leave.
func (r *Route) leaves(from net.Addr) answer {
	own, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return unknown("the kernel names no address of this host")
	}
	address := own.Addr().Unmap()
	name, err := interfaceTo(r.o.FS, r.o.To, address)
	if err != nil {
		return unknown("%v", err)
	}
	state, err := fs.ReadFile(r.o.FS, path.Join("sys/class/net", name, "operstate"))
	if err != nil {
		return unknown("cannot read the state of %s: %v", name, err)
	}
	seen := fmt.Sprintf("the way to %s is by %s, from %s", r.o.To, name, address)
	// operstate of RFC 2863 as sysfs-class-net of the kernel lists it; a loopback
	// says unknown.
	switch word := strings.TrimSpace(string(state)); word {
	case "up", "unknown":
		return healthy("%s", seen)
	default:
		return unhealthy("%s, which is %s", seen, word)
	}
}

// interfaceTo is the one by which the kernel's tables lead to an address: that of
// the longest prefix, then of the least metric. It is read from files because
// the socket that could be asked (netlink) is one that the agent does not need
// otherwise. What is on this host itself is in none of them.
func interfaceTo(root fs.FS, to string, from netip.Addr) (string, error) {
	address, err := netip.ParseAddr(to)
	if err != nil {
		return "", err
	}
	address = address.Unmap()
	if address == from || address.IsLoopback() {
		return "lo", nil
	}
	read, file := routes4, "proc/net/route"
	if address.Is6() {
		read, file = routes6, "proc/net/ipv6_route"
	}
	table, err := fs.ReadFile(root, file)
	if err != nil {
		return "", fmt.Errorf("cannot read the routes: %w", err)
	}
	best := kernelRoute{metric: math.MaxUint32}
	for _, route := range read(string(table)) {
		longer := cmp.Compare(route.to.Bits(), best.to.Bits())
		if route.to.Contains(address) && (best.by == "" || longer > 0 || longer == 0 && route.metric < best.metric) {
			best = route
		}
	}
	if best.by == "" {
		return "", fmt.Errorf("the kernel knows a way to %s, and its table does not", to)
	}
	return best.by, nil
}
