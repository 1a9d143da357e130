package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// controlDir is where systemd keeps what is set of units until the next boot: the search
// path of systemd.unit(5), "Transient and runtime".
const controlDir = "/run/systemd/system.control"

func dropInFile(unit, file string) string { return filepath.Join(controlDir, unit+".d", file) }

func hasDropIn(unit, file string) bool {
	_, err := os.Stat(dropInFile(unit, file))
	return err == nil
}

// Undo takes back the limits of a profile: each property is what it was before, also as
// far as files go. One that somebody else has changed since is theirs, and stays. A unit
// without limits of the profile stays as it is.
func (l Limiter) Undo(ctx context.Context, profile, unit string) (err error) {
	unit = strings.TrimSuffix(unit, another)
	detail := fmt.Sprintf("no limits of %s are on", profile)
	defer func() { err = errors.Join(err, l.say(unit, detail, nil, err)) }()
	c, release, err := l.begin(ctx, unit)
	if err != nil {
		return err
	}
	defer release()
	record, err := readRecord(l.Dir, unit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case record.Profile != profile:
		detail += ": it has those of " + record.Profile
		return nil
	}
	var did []string
	err = l.takeBack(ctx, c, record, &did)
	detail = strings.Join(did, ", ")
	return err
}

// takeBack undoes a record, the last first, so that what kills goes before what slows
// down. Only when all of it is undone is the record removed.
func (l Limiter) takeBack(ctx context.Context, c limitConn, r limitRecord, did *[]string) error {
	now, err := c.unit(ctx, r.Unit)
	gone := errors.Is(err, errGone)
	if err != nil && !gone {
		return err
	}
	say := func(format string, args ...any) {
		if did != nil {
			*did = append(*did, fmt.Sprintf(format, args...))
		}
	}
	var errs []error
	removed := false
	for _, p := range slices.Backward(r.Properties) {
		switch {
		case !p.On:
			continue
		case gone:
			say("the unit is not loaded any more")
		case amount(now, p.Name) == p.Before: // by a try that was interrupted
		case !p.is(now):
			say("%s is %s, which is not ours: it stays", p.Name, p.words(amount(now, p.Name)))
			continue
		default:
			errs = append(errs, c.set(ctx, r.Unit, p, p.Before))
			say("%s as before: %s", p.Name, p.words(p.Before))
		}
		if !p.Had {
			removed = true
			errs = append(errs, removeDropIn(r.Unit, p.File))
		}
	}
	if removed {
		errs = append(errs, c.ReloadContext(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cannot take all limits of %s back: %w", r.Unit, err)
	}
	c.stop(ctx, r.Timer)
	return os.Remove(recordFile(l.Dir, r.Unit))
}

// removeDropIn removes what systemd wrote for a property of ours, and the directory that
// it made for that.
func removeDropIn(unit, file string) error {
	path := dropInFile(unit, file)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_ = os.Remove(filepath.Dir(path)) // unless there is more in it
	return nil
}

// begin connects to systemd, and is alone with the unit until release.
func (l Limiter) begin(ctx context.Context, unit string) (c limitConn, release func(), err error) {
	if err := checkName(unit); err != nil {
		return c, nil, err
	}
	lock, err := os.OpenFile(filepath.Join(l.Dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return c, nil, fmt.Errorf("cannot begin: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return c, nil, errors.Join(fmt.Errorf("cannot be alone with %s: %w", unit, err), lock.Close())
	}
	conn, err := sd.NewSystemdConnectionContext(context.WithoutCancel(ctx)) // to take back what a signal interrupts
	if err != nil {
		return c, nil, errors.Join(fmt.Errorf("cannot reach systemd by its own socket, as root: %w", err), lock.Close())
	}
	return limitConn{conn}, func() {
		conn.Close()
		_ = lock.Close() // the lock goes with it
	}, nil
}

// Refuse writes down, for whoever had it started, why nothing was done about a unit.
func (l Limiter) Refuse(unit string, why error) error { return l.say(unit, "", nil, why) }

// say writes down the last word about a unit.
func (l Limiter) say(unit, detail string, facts map[string]string, err error) error {
	if checkName(unit) != nil {
		return nil // it could be any file's
	}
	if err != nil {
		detail = err.Error()
	}
	said := limitSaid{Invocation: l.Invocation, OK: err == nil, Detail: detail, Facts: facts}
	if err := writeJSON(saidFile(l.Dir, unit), said); err != nil {
		return fmt.Errorf("cannot write down what became of %s: %w", unit, err)
	}
	return nil
}

// another ends the second name of the unit that takes limits back. A timer starts the
// unit of its own name, and a new one must be there before the old one goes.
const another = ":2"

// nextTimer names the timer that takes limits back, otherwise than the one before.
func nextTimer(old, profile, unit string) string {
	name := strings.TrimSuffix(limiting{undo: true}.unitOf(profile, unit), ".service")
	if name+".timer" == old {
		name += another
	}
	return name + ".timer"
}

// startTimer has systemd take limits back, whoever is alive then.
func (c limitConn) startTimer(ctx context.Context, r limitRecord, last time.Duration) error {
	type span struct {
		Base string
		USec uint64
	}
	c.stop(ctx, r.Timer) // one of an earlier try
	property := func(name string, value any) sd.Property {
		return sd.Property{Name: name, Value: dbus.MakeVariant(value)}
	}
	_, err := c.StartTransientUnitContext(ctx, r.Timer, "replace", []sd.Property{
		property("Description", "End of the limits of "+r.Profile+" on "+r.Unit),
		property("TimersMonotonic", []span{{"OnActiveSec", uint64(last.Microseconds())}}),
		property("AccuracyUSec", uint64(time.Second.Microseconds())),
		property("RemainAfterElapse", false),
	}, nil)
	return err
}

// stop stops a timer and waits until systemd has forgotten it; one that there is not is
// none to stop.
func (c limitConn) stop(ctx context.Context, timer string) {
	if timer == "" {
		return
	}
	if _, err := c.StopUnitContext(ctx, timer, "replace", nil); err != nil {
		return
	}
	for range 100 {
		p, err := c.GetUnitPropertiesContext(ctx, timer)
		if err != nil || get[string](p, "LoadState") != loaded {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
