package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Agent is the nightshift that a guest runs beside what it serves. There is no
// systemd in there: it can read no unit and act on none, and says so.
type Agent struct {
	// Program is the path of the program, static, on the machine that writes the
	// initramfs.
	Program string
	// Inventory and Token are what its files hold.
	Inventory, Token []byte
}

// StateSerial is the serial number of the disk with ext4 on it that the agent's
// state lies on: one that no rollback takes back.
const StateSerial = "state"

// Where the guest has what belongs to its agent, and the port of its webhook.
const (
	AgentProgram   = "/nightshift"
	AgentInventory = "/etc/nightshift/nightshift.yaml"
	AgentToken     = "/etc/nightshift/webhook.token"
	AgentState     = "/var/lib/nightshift"
	AgentPort      = 9797
)

// addTo puts the agent into an initramfs.
func (g *Agent) addTo(a *archive) {
	a.addDirectories("tmp", "etc", filepath.Dir(AgentInventory), "var", "var/lib", AgentState)
	a.addFile(strings.TrimPrefix(AgentProgram, "/"), g.Program)
	a.add(strings.TrimPrefix(AgentInventory, "/"), modeFile|0o644, g.Inventory)
	a.add(strings.TrimPrefix(AgentToken, "/"), modeFile|0o600, g.Token)
}

// FindPort finds the device of a virtio-serial port by its name, of which udev would
// have made a link.
func FindPort(name string) (string, error) {
	names, _ := filepath.Glob("/sys/class/virtio-ports/*/name") // the pattern is right
	for _, n := range names {
		text, err := os.ReadFile(n)
		if err == nil && strings.TrimSpace(string(text)) == name {
			return "/dev/" + filepath.Base(filepath.Dir(n)), nil
		}
	}
	return "", fmt.Errorf("there is no port %s", name)
}
