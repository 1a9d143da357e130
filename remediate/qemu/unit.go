package qemu

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"nightshift/remediate/qemu/qmp"
)

// How long QEMU may take to answer: it does so within milliseconds, unless its disk
// or the whole of it hangs.
const (
	askTimeout = 3 * time.Second
	// diskTimeout is for what makes QEMU write: an overlay over a disk, once all that was
	// written before is flushed; a picture.
	diskTimeout = 30 * time.Second
	quitWithin  = 5 * time.Second
	// stopWithin is longer than systemd's default TimeoutStopSec= of 90 s, after which
	// it kills (systemd-system.conf(5)).
	stopWithin = 100 * time.Second
	// stepEvery is how often what is waited for is looked at: one question to systemd.
	stepEvery = 20 * time.Millisecond
)

// monitor lends the connection to QEMU: one is opened for each use and closed after
// it, so that people can have the socket too. QEMU serves one client at a time.
func (v *VM) monitor(ctx context.Context, use func(context.Context, *qmp.Conn) error) error {
	return v.monitorFor(ctx, askTimeout, use)
}

// monitorFor is monitor for what takes QEMU longer: it is answered once the disk has.
func (v *VM) monitorFor(ctx context.Context, within time.Duration, use func(context.Context, *qmp.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	release, err := hold(ctx, v.socket, "another talk with the QEMU of "+v.o.Name)
	if err != nil {
		return err
	}
	defer release()
	heldBefore := served(v.o.QMP)
	client := qmp.New(qmp.Options{Socket: v.o.QMP, Timeout: askTimeout, Greeting: askTimeout})
	defer client.Close()
	conn, err := client.Session(ctx)
	if err == nil {
		return use(ctx, conn)
	}
	if heldBefore && errors.Is(err, qmp.ErrHeld) {
		return fmt.Errorf("%w: end whatever else is connected to %s: %w", errServesAnother, v.o.QMP, err)
	}
	return err
}

// errServesAnother: another client is known to have the socket.
var errServesAnother = errors.New("somebody else holds the QMP socket")

// status asks QEMU whether the guest runs.
func (v *VM) status(ctx context.Context) (s qmp.Status, err error) {
	err = v.monitor(ctx, func(ctx context.Context, c *qmp.Conn) error {
		s, err = c.Status(ctx)
		return err
	})
	return s, err
}

// served reports whether a server has accepted a connection on a socket whose other end
// is still there. The kernel lists it by the socket's path, in state 03, and one that
// waits to be accepted in state 02; a peer that is there counts as the third reference
// (proc(5), /proc/net/unix; measured with Linux 6.18). So a QEMU that is busy
// with somebody is told from one that hangs, also from one that hung while it talked to
// us. What is in another network namespace is not seen.
func served(socket string) bool {
	f, err := os.Open("/proc/net/unix")
	if err != nil {
		return false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 8 && fields[7] == socket && fields[5] == "03" && fields[1] > "00000002" {
			return true
		}
	}
	return false
}

// process identifies one for as long as the machine is up: by its number and when it
// was started, which are never both used again.
type process struct {
	pid     int
	started string
}

// findProcess reads the start time of a process; there is none for 0.
func findProcess(pid int) process {
	fields := procStat(pid)
	if len(fields) < 20 {
		return process{}
	}
	return process{pid, fields[19]}
}

// procStat are the fields of /proc/PID/stat after the name, the state first: proc(5).
func procStat(pid int) []string {
	if pid <= 0 {
		return nil
	}
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	_, after, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')'):]), " ")
	return strings.Fields(after)
}

// gone reports whether it has ended; a zombie has.
func (p process) gone() bool {
	fields := procStat(p.pid)
	return len(fields) < 20 || fields[19] != p.started || fields[0] == "Z" || fields[0] == "X"
}

// halted reports whether a signal stopped it (SIGSTOP), so that it answers nobody.
func (p process) halted() bool {
	fields := procStat(p.pid)
	return len(fields) > 0 && (fields[0] == "T" || fields[0] == "t")
}

// unit reads how the unit stands.
func (v *VM) unit(ctx context.Context) (UnitState, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	s, err := v.o.Keeper.State(ctx, v.o.Unit)
	if err != nil {
		return s, fmt.Errorf("cannot read how %s stands: %w", v.o.Unit, err)
	}
	return s, nil
}

// down returns an error unless QEMU is proved to have ended: its unit has, and so has
// its main process, and nobody has an image of the VM open.
func (v *VM) down(ctx context.Context, was process) error {
	s, err := v.unit(ctx)
	switch {
	case err != nil:
		return err
	case s.Active || s.MainPID != 0:
		return fmt.Errorf("%s is still active (main process %d)", v.o.Unit, s.MainPID)
	case was.pid != 0 && !was.gone():
		return fmt.Errorf("process %d, which %s had, still runs", was.pid, v.o.Unit)
	}
	return v.unlocked()
}

// unlocked returns an error if a QEMU has one of the disks open, whatever unit it
// belongs to. A disk that stays may be read: a backup does that.
func (v *VM) unlocked() error {
	for disk, policy := range v.o.Disks {
		path := v.place.live(disk)
		if policy == Stays {
			path = v.keepFile(disk)
		}
		if path == "" {
			continue
		}
		open, writing, err := opened(path)
		if errors.Is(err, fs.ErrNotExist) { // what was removed nobody can open a second time
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot tell whether a QEMU has disk %s open: %w", disk, err)
		}
		if writing || open && policy == GoesBack {
			return fmt.Errorf("a QEMU still has disk %s open: %s is locked", disk, path)
		}
	}
	return nil
}

// keepFile is the file of a disk that stays, if it lies in live/: DISK or DISK.qcow2.
func (v *VM) keepFile(disk string) string {
	for _, name := range []string{disk, disk + ".qcow2"} {
		if path := v.place.live(name); exists(path) {
			return path
		}
	}
	return ""
}

// wait looks every [stepEvery] until the answer is yes, and returns false when ctx has
// ended or the time has passed.
func wait(ctx context.Context, within time.Duration, done func(context.Context) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(stepEvery)
	defer tick.Stop()
	for {
		if done(ctx) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}
