package qmp

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/digitalocean/go-qemu/qmp"
)

// Commands are the commands of the package's list, of a [Client] or a [Conn].
type Commands struct {
	call func(ctx context.Context, execute string, arguments json.RawMessage) (json.RawMessage, error)
}

// Do does a command that has no call of its own here, and returns what QEMU did.
func (c Commands) Do(ctx context.Context, command qmp.Command) (json.RawMessage, error) {
	if command.Args == nil {
		return c.call(ctx, command.Execute, nil)
	}
	arguments, err := json.Marshal(command.Args)
	if err != nil {
		return nil, fmt.Errorf("cannot write the arguments of %s: %w", command.Execute, err)
	}
	return c.call(ctx, command.Execute, arguments)
}

// ask does a command and reads its answer.
func ask[T any](ctx context.Context, c Commands, execute string, arguments any) (T, error) {
	var answer T
	value, err := c.Do(ctx, qmp.Command{Execute: execute, Args: arguments})
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(value, &answer); err != nil {
		return answer, fmt.Errorf("cannot read QEMU's answer to %s: %w: %v", execute, ErrProtocol, err)
	}
	return answer, nil
}

// tell does a command whose answer says nothing.
func (c Commands) tell(ctx context.Context, execute string, arguments any) error {
	_, err := c.Do(ctx, qmp.Command{Execute: execute, Args: arguments})
	return err
}

// RunState is whether and why not the guest runs: RunState in QEMU's
// qapi/run-state.json. A newer QEMU may know others.
type RunState string

// The run states that a machine can be found in.
const (
	Running       RunState = "running"
	Paused        RunState = "paused"    // by a person's stop
	Prelaunch     RunState = "prelaunch" // started with -S, and reset since
	Shutdown      RunState = "shutdown"  // powered down, with -no-shutdown
	Suspended     RunState = "suspended" // by the guest itself
	GuestPanicked RunState = "guest-panicked"
	IOError       RunState = "io-error" // its image cannot be read or written
	InternalError RunState = "internal-error"
	Watchdog      RunState = "watchdog"
	Debug         RunState = "debug"
	InMigrate     RunState = "inmigrate"
	PostMigrate   RunState = "postmigrate"
	FinishMigrate RunState = "finish-migrate"
	SaveVM        RunState = "save-vm"
	RestoreVM     RunState = "restore-vm"
	Colo          RunState = "colo"
)

// Status is the state of a machine.
type Status struct {
	// Running is whether its processors run.
	Running bool `json:"running"`
	// State says why not.
	State RunState `json:"status"`
}

// Status reads whether the guest runs.
func (c Commands) Status(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c, queryStatus, nil)
}

// QEMUVersion reads which QEMU this is.
func (c Commands) QEMUVersion(ctx context.Context) (qmp.Version, error) {
	return ask[qmp.Version](ctx, c, queryVersion, nil)
}

// Continue lets a paused guest run on.
func (c Commands) Continue(ctx context.Context) error { return c.tell(ctx, cont, nil) }

// PowerDown presses the power button, which the guest may ignore: a nil error says
// that it was pressed. When the guest has shut down, QEMU ends and so does the
// connection.
func (c Commands) PowerDown(ctx context.Context) error { return c.tell(ctx, systemPowerdown, nil) }

// Reset presses the reset button.
func (c Commands) Reset(ctx context.Context) error { return c.tell(ctx, systemReset, nil) }

// Quit ends QEMU at once, as losing power would for the guest. QEMU answers before
// it ends; an answer that is lost all the same leaves [ErrInDoubt] with [ErrGone].
func (c Commands) Quit(ctx context.Context) error { return c.tell(ctx, quit, nil) }

// Format is how a picture is written.
type Format string

// The formats that QEMU writes; PNG since 7.1, where it is built in.
const (
	PPM Format = "ppm"
	PNG Format = "png"
)

// Screendump has QEMU, as its own user, write a picture of the screen into a file.
// A machine without a screen is refused with [ClassGeneric].
func (c Commands) Screendump(ctx context.Context, file string, format Format) error {
	return c.tell(ctx, screendump, struct {
		File   string `json:"filename"`
		Format Format `json:"format"`
	}{file, format})
}
