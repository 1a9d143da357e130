package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"nightshift/test/world"
)

// vmStarts is where the virtual machine's unit notes its starts; it outlives a
// reboot.
const vmStarts = "/var/lib/stage/vm.starts"

// vmStart notes a start of the virtual machine before QEMU is: its invocation, and
// how many QEMUs with its name there are already. `+` has it run outside of the
// unit's sandbox.
const (
	vmProcess = "-name rave -nodefaults" // of QEMU's command line, not the proof's
	vmStart   = `#!/bin/sh
echo "$INVOCATION_ID $(pgrep --count --full -- '` + vmProcess + `')" >>` + vmStarts + `
`
	vmWitness = "[Service]\nExecStartPre=+/usr/lib/stage/vm-start\n"
)

// countStarts has the virtual machine's unit note its starts.
func (h *VMHost) countStarts(ctx context.Context) error {
	return errors.Join(
		h.World.WriteFile(vmStarts, nil, 0o644),
		h.World.WriteFile("/usr/lib/stage/vm-start", []byte(vmStart), 0o755),
		h.World.WriteFile("/etc/systemd/system/"+world.VMUnit+".d/witness.conf", []byte(vmWitness), 0o644),
		h.World.WriteFile("/etc/systemd/system/"+AgentUnit+".d/hurry.conf", []byte(hurry), 0o644),
		h.bus.ReloadContext(ctx),
	)
}

// VMStart is one start of the virtual machine's unit.
type VMStart struct {
	Invocation string
	// Beside is how many of its QEMUs ran already.
	Beside int
}

// VMStarts are all starts of the virtual machine's unit, whoever asked for them.
func (h *VMHost) VMStarts(t *testing.T) (starts []VMStart) {
	t.Helper()
	text, err := os.ReadFile(h.World.Path(vmStarts))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var s VMStart
		if _, err := fmt.Sscan(line, &s.Invocation, &s.Beside); err != nil {
			t.Fatalf("cannot read the start %q: %v", line, err)
		}
		starts = append(starts, s)
	}
	return starts
}

// QEMUs counts those that run the virtual machine now.
func (h *VMHost) QEMUs(t *testing.T) (count int) {
	t.Helper()
	out, err := h.World.Exec(t.Context(), "pgrep", "--count", "--full", "--", vmProcess)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 {
		return 0 // pgrep(1): no process matched
	}
	if err == nil {
		_, err = fmt.Sscan(out, &count)
	}
	if err != nil {
		t.Fatal(err)
	}
	return count
}
