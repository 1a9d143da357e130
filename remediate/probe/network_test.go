package probe

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"nightshift/remediate"
)

// nameServer answers every question with a code, and with 192.0.2.7 where that is
// success.
func nameServer(t *testing.T, code dnsmessage.RCode) (address string) {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		packet := make([]byte, 1500)
		for {
			n, from, err := socket.ReadFrom(packet)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(packet[:n]) != nil {
				continue
			}
			m.Response, m.RCode, m.Additionals = true, code, nil
			if q := m.Questions[0]; code == dnsmessage.RCodeSuccess && q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1},
					Body:   &dnsmessage.AResource{A: [4]byte{192, 0, 2, 7}},
				}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = socket.WriteTo(out, from)
			}
		}
	}()
	t.Cleanup(func() { socket.Close(); <-done })
	return socket.LocalAddr().String()
}

func TestResolveAsksTheNameServer(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, c := range map[string]struct {
		host, server string
		timeout      time.Duration
		want         remediate.Health
		part         string
	}{
		"it answers":         {"site.example.", nameServer(t, dnsmessage.RCodeSuccess), patience, remediate.Healthy, "192.0.2.7"},
		"no such name":       {"site.example.", nameServer(t, dnsmessage.RCodeNameError), patience, remediate.Unhealthy, "no such host"},
		"it fails":           {"site.example.", nameServer(t, dnsmessage.RCodeServerFailure), patience, remediate.Unhealthy, "server misbehaving"},
		"nobody listens":     {"site.example.", closedPort(t), patience, remediate.Unhealthy, "refused"},
		"it says nothing":    {"site.example.", silent.LocalAddr().String(), 4 * haste, remediate.Unhealthy, "in time"},
		"the host's own way": {"localhost", "", patience, remediate.Healthy, "localhost is"},
	} {
		t.Run(name, func(t *testing.T) {
			sees(t, NewResolve(ResolveOptions{Name: "x", Host: c.host, Server: c.server, Timeout: c.timeout}), c.want, c.part)
		})
	}
}

const routes = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	100	00000000	0	0	0
eth1	00000000	010200C0	0003	0	0	50	00000000	0	0	0
eth2	0064A8C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
eth3	0164A8C0	00000000	0201	0	0	0	FFFFFFFF	0	0	0
`

func TestTheWayIsThatOfTheLongestPrefix(t *testing.T) {
	tree := fstest.MapFS{
		"proc/net/route":      {Data: []byte(routes)},
		"proc/net/ipv6_route": {Data: []byte("20010db8000000000000000000000000 20 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth6\n")},
	}
	for to, want := range map[string]string{"192.168.100.1": "eth2", "8.8.8.8": "eth1", "2001:db8::7": "eth6", "127.0.0.1": "lo", "10.0.0.9": "lo"} {
		if got, err := interfaceTo(tree, to, netip.MustParseAddr("10.0.0.9")); err != nil || got != want {
			t.Errorf("%s: %q %v, want %s", to, got, err, want)
		}
	}
	if got, err := interfaceTo(tree, "fe80::1", netip.MustParseAddr("fe80::2")); err == nil {
		t.Errorf("a way by %s where the table has none", got)
	}
}

func TestRouteOfThisHost(t *testing.T) {
	sees(t, NewRoute(RouteOptions{Name: "x", To: "127.0.0.1"}), remediate.Healthy, "by lo")
	down := fstest.MapFS{"sys/class/net/lo/operstate": {Data: []byte("down\n")}}
	sees(t, NewRoute(RouteOptions{Name: "x", To: "127.0.0.1", FS: down}), remediate.Unhealthy, "which is down")
	sees(t, NewRoute(RouteOptions{Name: "x", To: "127.0.0.1", FS: fstest.MapFS{}}), remediate.Unknown, "cannot read the state of lo")
}

func TestTheNetworkAndTheDisksOfThisHost(t *testing.T) {
	if seen := (Sights{}).Network(remediate.Look{What: remediate.SeeNetwork}); seen.Error != "" || !strings.Contains(seen.Text, "interface lo is unknown, 127.0.0.1") {
		t.Errorf("%+v", seen)
	}
	if seen := (Sights{}).Disks(t.Context(), remediate.Look{What: remediate.SeeDisks}); seen.Error != "" || !strings.Contains(seen.Text, "mounted at") {
		t.Errorf("%+v", seen)
	}
}

// ruleset is of the shape that libnftables-json(5) tells.
const ruleset = `{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "inet", "name": "filter", "handle": 1}},
{"chain": {"family": "inet", "table": "filter", "name": "input", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}},
{"counter": {"family": "inet", "name": "seen", "table": "filter", "handle": 4, "packets": 5, "bytes": 2048}},
{"rule": {"family": "inet", "table": "filter", "chain": "input", "handle": 3, "comment": "ssh\u001b[31m", "expr": [{"match": {"op": "==", "left": {}, "right": 22}}, {"counter": {"packets": 12, "bytes": 720}}, {"accept": null}]}},
{"rule": {"family": "inet", "table": "filter", "chain": "input", "handle": 9, "expr": [{"drop": null}]}}]}`

func TestTheFirewallsCounters(t *testing.T) {
	s := Sights{FS: fstest.MapFS{
		Ruleset: {Data: []byte(ruleset), ModTime: time.Unix(0, 0)},
		"proc/sys/net/netfilter/nf_conntrack_count": {Data: []byte("17\n")},
		"proc/sys/net/netfilter/nf_conntrack_max":   {Data: []byte("262144\n")},
	}}
	want := "connections tracked: 17 of 262144\ncounters as of 1970-01-01T00:00:00Z:\n" +
		"chain inet filter input: input, policy drop\ncounter inet filter seen: 5 packets, 2.0 KiB\n" +
		"rule inet filter input #3 accept \"ssh\ufffd[31m\": 12 packets, 720 B\n"
	if seen := s.Firewall(remediate.Look{}); seen.Error != "" || seen.Text != want {
		t.Errorf("%s\n%q\n%q", seen.Error, seen.Text, want)
	}
	if seen := (Sights{FS: fstest.MapFS{}}).Firewall(remediate.Look{}); !strings.Contains(seen.Error, "nightshift-firewall.timer") {
		t.Errorf("%+v", seen)
	}
}
