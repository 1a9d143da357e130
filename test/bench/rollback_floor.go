package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/oklog/ulid/v2"

	"nightshift/test/world"
)

// Where the virtual machine's host has what a rollback needs.
const (
	qmpSocket = "/run/rave/qmp.sock"
	liveDir   = "/var/lib/rave/live/"
	goodImage = "/var/lib/rave/good/good-1.system.qcow2"
)

// bareRollback waits for a line and then does what a script would: it presses the
// power button, waits for the end of QEMU and of its unit, makes an overlay, points
// the link to it, and starts the unit. Nothing is checked, made durable or kept in
// mind.
func bareRollback(ctx context.Context, in io.Reader, out io.Writer) error {
	units, err := sd.NewSystemConnectionContext(ctx)
	if err != nil {
		return err
	}
	defer units.Close()
	fmt.Fprintln(out, "ready")
	if _, err := bufio.NewReader(in).ReadString('\n'); err != nil {
		return err
	}
	for _, step := range []func() error{
		powerDown,
		func() error { return finish(ctx, units.StopUnitContext) },
		func() error { return putOverlay(ctx) },
		func() error { return finish(ctx, units.StartUnitContext) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, time.Now().UnixMicro())
	return nil
}

// patienceWithGuest is as long as the agent waits for a guest to power down; then the
// stop of its unit ends QEMU. On a busy machine a guest's kernel was seen to hang there.
const patienceWithGuest = time.Minute

// powerDown presses the power button and waits for the end of QEMU.
func powerDown() error {
	conn, err := net.Dial("unix", qmpSocket)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patienceWithGuest)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, `{"execute":"qmp_capabilities"}{"execute":"system_powerdown"}`); err != nil {
		return err
	}
	said, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err == nil && !strings.Contains(string(said), `"POWERDOWN"`) {
		err = errors.New("cannot power down: QEMU said nothing of it")
	}
	return err
}

// finish waits for the end of a job of the machine's unit.
func finish(ctx context.Context, job func(context.Context, string, string, chan<- string) (int, error)) error {
	ended := make(chan string, 1)
	if _, err := job(ctx, world.VMUnit, "replace", ended); err != nil {
		return err
	}
	if result := <-ended; result != "done" {
		return fmt.Errorf("a job of %s ended %s", world.VMUnit, result)
	}
	return nil
}

// putOverlay makes an overlay on the good image and points the link to it.
func putOverlay(ctx context.Context) error {
	name := "system-" + ulid.Make().String() + ".qcow2"
	cmd := exec.CommandContext(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", goodImage, liveDir+name)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot make an overlay: %w: %s", err, said)
	}
	return errors.Join(
		os.Chmod(liveDir+name, 0o660),
		os.Symlink(name, liveDir+"new-link"),
		os.Rename(liveDir+"new-link", liveDir+"system"),
	)
}
