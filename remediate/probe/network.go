package probe

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"nightshift/remediate"
)

// Network answers [remediate.SeeNetwork]: interfaces with their addresses, the
// routes of version 4, and the name servers.
func (s Sights) Network(look remediate.Look) remediate.Evidence {
	seen := remediate.Evidence{Look: look}
	interfaces, err := fs.ReadDir(s.root(), "sys/class/net")
	if err != nil {
		seen.Error = "cannot list the interfaces: " + err.Error()
		return seen
	}
	var text strings.Builder
	for _, one := range interfaces {
		state, _ := fs.ReadFile(s.root(), path.Join("sys/class/net", one.Name(), "operstate"))
		fmt.Fprintf(&text, "interface %s is %s%s\n", printable(one.Name()), printable(strings.TrimSpace(string(state))), ownAddress(one.Name()))
	}
	routes, err := fs.ReadFile(s.root(), "proc/net/route")
	if err != nil {
		fmt.Fprintf(&text, "routes: %v\n", err)
	}
	for _, route := range routes4(string(routes)) {
		fmt.Fprintln(&text, route)
	}
	servers, err := fs.ReadFile(s.root(), "etc/resolv.conf")
	if err != nil {
		fmt.Fprintf(&text, "name servers: %v\n", err)
	}
	for line := range strings.Lines(chosenLines(string(servers), []string{"nameserver", "search", "options"})) {
		fmt.Fprintln(&text, printable(strings.TrimSpace(line)))
	}
	seen.Text = text.String()
	return seen
}

// ownAddress is the first address of version 4 of an interface (netdevice(7)).
func ownAddress(name string) string {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(socket)
	request, err := unix.NewIfreq(name)
	if err != nil || unix.IoctlIfreq(socket, unix.SIOCGIFADDR, request) != nil {
		return ", without an address of version 4"
	}
	address, err := request.Inet4Addr()
	if err != nil {
		return ""
	}
	return fmt.Sprintf(", %d.%d.%d.%d", address[0], address[1], address[2], address[3])
}

func printable(text string) string { return remediate.Printable(text) }
