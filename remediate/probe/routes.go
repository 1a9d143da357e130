package probe

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"nightshift/remediate"
)

// kernelRoute is a line of the kernel's tables.
type kernelRoute struct {
	to     netip.Prefix
	via    netip.Addr
	by     string // the interface
	metric uint32
}

func (r kernelRoute) String() string {
	via := ""
	if r.via.IsValid() && !r.via.IsUnspecified() {
		via = " via " + r.via.String()
	}
	return fmt.Sprintf("route %s%s by %s, metric %d", r.to, via, remediate.Printable(r.by), r.metric)
}

// reject is RTF_REJECT of linux/ipv6_route.h and net/route.h: such a route leads
// nowhere.
const reject = 0x200

// routes4 reads /proc/net/route of proc_pid_net(5): numbers in hex, in the order
// of bytes of the machine, which is little-endian wherever this runs.
func routes4(table string) []kernelRoute {
	var routes []kernelRoute
	for line := range strings.Lines(table) {
		var by string
		var to, gateway, flags, count, use, metric, mask uint32
		_, err := fmt.Sscanf(line, "%s %X %X %X %d %d %d %X", &by, &to, &gateway, &flags, &count, &use, &metric, &mask)
		if err != nil || flags&reject != 0 { // or its heading
			continue
		}
		bits, _ := net.IPMask(littleEndian(mask)).Size()
		prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte(littleEndian(to))), bits)
		routes = append(routes, kernelRoute{prefix, netip.AddrFrom4([4]byte(littleEndian(gateway))), by, metric})
	}
	return routes
}

func littleEndian(n uint32) []byte {
	return []byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}
}

// routes6 reads /proc/net/ipv6_route: destination, its length, source, its length,
// gateway, metric, two counts, flags, interface, all in hex (net/ipv6/route.c).
func routes6(table string) []kernelRoute {
	var routes []kernelRoute
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		if len(words) != 10 {
			continue
		}
		to, okTo := address6(words[0])
		via, okVia := address6(words[4])
		bits, errBits := strconv.ParseUint(words[1], 16, 8)
		metric, errMetric := strconv.ParseUint(words[5], 16, 32)
		flags, errFlags := strconv.ParseUint(words[8], 16, 32)
		if !okTo || !okVia || errBits != nil || errMetric != nil || errFlags != nil || flags&reject != 0 {
			continue
		}
		routes = append(routes, kernelRoute{netip.PrefixFrom(to, int(bits)), via, words[9], uint32(metric)})
	}
	return routes
}

func address6(digits string) (netip.Addr, bool) {
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return netip.Addr{}, false
	}
	return netip.AddrFromSlice(raw)
}
