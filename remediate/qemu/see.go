package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"nightshift/remediate"
	"nightshift/remediate/qemu/qmp"
)

// What is shown of a console's log, in lines, unless a look says otherwise, and read of
// it in bytes.
const (
	consoleLines = 50
	consoleBytes = 64 << 10
)

// See looks at the VM before an act destroys what is to be seen. The lines of a console
// come as they are, but for what is not printable.
func (v *VM) See(ctx context.Context, look remediate.Look) remediate.Evidence {
	e := remediate.Evidence{Look: look}
	var err error
	switch look.What {
	case remediate.SeeScreen:
		e.Text, err = v.screen(ctx)
	case remediate.SeeQMPStatus:
		e.Text, err = v.statusText(ctx)
	case remediate.SeeBlockGraph:
		e.Text, err = v.graph(ctx)
	case remediate.SeeConsole:
		e.Text, err = v.console(look.Lines)
	default:
		err = fmt.Errorf("cannot see %q of a VM: expected screen, qmp-status, block-graph or console", look.What)
	}
	if err != nil {
		e.Error = remediate.Brief(err.Error())
	}
	return e
}

// statusText is what QEMU says of its guest, and what the unit's state is.
func (v *VM) statusText(ctx context.Context) (string, error) {
	u, unitErr := v.unit(ctx)
	text := fmt.Sprintf("unit active=%t main=%d result=%s\n", u.Active, u.MainPID, u.Result)
	s, err := v.status(ctx)
	if err == nil {
		text += fmt.Sprintf("guest status=%s running=%t\n", s.State, s.Running)
	}
	return text, errors.Join(unitErr, err)
}

// graph is what each disk is on, by its link and by QEMU.
func (v *VM) graph(ctx context.Context) (string, error) {
	var b strings.Builder
	for _, disk := range v.goBack() {
		name, err := v.place.current(disk)
		fmt.Fprintf(&b, "link %s -> %s\n", disk, name)
		if err != nil {
			return b.String(), err
		}
		all, err := v.place.chain(v.place.live(name))
		for depth, i := range all {
			fmt.Fprintf(&b, "  %d %s %d bytes\n", depth, i.Path, i.Bytes)
		}
		if err != nil {
			fmt.Fprintf(&b, "  %v\n", err)
		}
	}
	err := v.monitor(ctx, func(ctx context.Context, c *qmp.Conn) error {
		drives, err := c.Drives(ctx)
		for _, d := range drives {
			if d.Inserted != nil {
				fmt.Fprintf(&b, "drive %s%s node %s: %s\n", d.Device, d.QDev, d.Inserted.Name, remediate.Brief(plainFile(d.Inserted.File)))
				fmt.Fprintf(&b, "  io-status %s, %d below\n", d.IOStatus, d.Inserted.Backings)
			}
		}
		return err
	})
	return b.String(), err
}

// console is the end of the serial console's log.
func (v *VM) console(lines int) (string, error) {
	f, info, err := open(v.place.live(consoleLog))
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %w", v.place.live(consoleLog), err)
	}
	defer f.Close()
	text := make([]byte, min(info.Size(), consoleBytes))
	n, err := f.ReadAt(text, info.Size()-int64(len(text)))
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("cannot read %s: %w", v.place.live(consoleLog), err)
	}
	if lines <= 0 {
		lines = consoleLines
	}
	return tail(string(text[:n]), lines), nil
}

// tail keeps the last lines, without what would write to a terminal or looks like a
// secret.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(remediate.Redact(text), "\r\n"), "\n")
	all = all[max(0, len(all)-lines):]
	for n, line := range all {
		all[n] = remediate.Printable(strings.TrimRight(line, "\r"))
	}
	return strings.Join(all, "\n")
}

// screen has QEMU write a picture into live/, the one place where it may write and the
// agent may read, and describes it.
func (v *VM) screen(ctx context.Context) (string, error) {
	path := v.place.live(temporary + "screen-" + newID(v.o.Now()))
	defer os.Remove(path)
	err := v.monitorFor(ctx, diskTimeout, func(ctx context.Context, c *qmp.Conn) error { return c.Screendump(ctx, path, qmp.PPM) })
	if err != nil {
		return "", err
	}
	f, _, err := open(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the picture of the screen: %w", err)
	}
	defer f.Close()
	return describe(f)
}
