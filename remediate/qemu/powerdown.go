package qemu

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/qemu/qmp"
)

// powerDown holds the VM, ends QEMU, and proves that it has ended: gracefully, then by
// quit, then by its unit.
type powerDown struct{ *VM }

// Witness reads what the disks are on, and the process that is to end.
func (a powerDown) Witness(ctx context.Context, step remediate.Step) (remediate.Witness, error) {
	on, err := a.current()
	if err != nil {
		return nil, notDone(step, err)
	}
	u, err := a.unit(ctx)
	if err != nil {
		return nil, notDone(step, err)
	}
	return remediate.Witness{keyDisks: identity(on), keyStarted: u.Invocation, keyProcess: findProcess(u.MainPID).String()}, nil
}

func (p process) String() string {
	if p.pid == 0 {
		return ""
	}
	return strconv.Itoa(p.pid) + " " + p.started
}

// parseProcess reads what String writes.
func parseProcess(text string) process {
	number, started, _ := strings.Cut(text, " ")
	pid, _ := strconv.Atoi(number)
	return process{pid, started}
}

// Do refuses while somebody else is connected to QEMU, since nobody knows what they
// are about. Where the end can't be proved the receipt says failed, and the hold goes
// if QEMU still runs: nothing was changed then.
func (a powerDown) Do(ctx context.Context, step remediate.Step, _ remediate.Witness) (remediate.Receipt, error) {
	release, err := a.alone(ctx)
	if err != nil {
		return remediate.Receipt{}, notDone(step, err)
	}
	defer release()
	was, err := a.ready(ctx)
	if err == nil {
		err = a.place.writeHold(held{by: heldDown, name: a.o.Name, since: a.o.Now()})
	}
	if err != nil {
		return remediate.Receipt{}, notDone(step, err)
	}
	a.o.Reached("power-down.held")
	how := a.end(ctx, was)
	a.o.Reached("power-down.ended")
	return a.proved(ctx, step, was, how)
}

// ready reads the process that is to end, and brings in order what an earlier step
// left.
func (a powerDown) ready(ctx context.Context) (process, error) {
	u, err := a.unit(ctx)
	if err != nil {
		return process{}, err
	}
	was := findProcess(u.MainPID)
	if served(a.o.QMP) && !was.halted() {
		// One of our own has just been closed, or it is somebody else's.
		if _, err := a.status(ctx); errors.Is(err, errServesAnother) {
			return was, err
		}
	}
	return was, a.settle(ctx)
}

// proved says whether QEMU has ended, also when ctx has: a look is short.
func (a powerDown) proved(ctx context.Context, step remediate.Step, was process, how string) (remediate.Receipt, error) {
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	err := a.down(look, was)
	if err == nil {
		return receipt(remediate.Done, map[string]string{"by": how}, "it is down, by %s", how), nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return remediate.Receipt{}, unclear(step, err)
	}
	if u, unitErr := a.unit(look); unitErr == nil && u.Active {
		err = errors.Join(err, a.place.release())
	}
	return receipt(remediate.Failed, nil, "it could not be proved that QEMU has ended: %v", err), nil
}

// end ends QEMU, as gently as it lets us, and says how.
func (a powerDown) end(ctx context.Context, was process) (how string) {
	status, err := a.status(ctx)
	if err == nil && status.Running && a.press(ctx) {
		if a.wait(ctx, a.patience(ctx), true) {
			how = "power-down of the guest"
		}
	}
	if err == nil && a.active(ctx) {
		if err := a.monitor(ctx, func(ctx context.Context, c *qmp.Conn) error { return c.Quit(ctx) }); err != nil {
			a.o.Log.Warn("QEMU did not answer quit", "vm", a.o.Name, "error", err)
		}
		if a.wait(ctx, quitWithin, false) && how == "" {
			how = "quit"
		}
	}
	if !a.active(ctx) && (was.pid == 0 || was.gone()) {
		if how == "" {
			how = "itself"
		}
		return how
	}
	stopping, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	if err := a.o.Keeper.Stop(stopping, a.o.Unit); err != nil {
		a.o.Log.Warn("the unit did not stop", "vm", a.o.Name, "unit", a.o.Unit, "error", err)
	}
	a.wait(ctx, quitWithin, false)
	return "stop of " + a.o.Unit
}

// press presses the power button.
func (a powerDown) press(ctx context.Context) bool {
	err := a.monitor(ctx, func(ctx context.Context, c *qmp.Conn) error { return c.PowerDown(ctx) })
	return err == nil || errors.Is(err, qmp.ErrInDoubt)
}

// patience is what the guest has to shut down: half of the time that is left at the
// most, so that there is some for harder means.
func (a powerDown) patience(ctx context.Context) time.Duration {
	if until, ok := ctx.Deadline(); ok {
		return min(a.o.PowerDownWithin, time.Until(until)/2)
	}
	return a.o.PowerDownWithin
}

// While the guest is awaited: how often it is asked whether it has shut down, and how
// often the button is pressed anew. A guest that boots does not hear it (measured); one
// that shuts down by it takes no notice of a second time.
const (
	askEvery   = time.Second
	pressEvery = 5 * time.Second
)

// wait waits until the unit is not active, or, if that is enough, until the guest has
// shut down and QEMU stays (-no-shutdown).
func (a powerDown) wait(ctx context.Context, within time.Duration, shutdown bool) bool {
	looks := 0
	now := func(every time.Duration) bool { return looks%int(every/stepEvery) == 0 }
	return wait(ctx, within, func(ctx context.Context) bool {
		if !a.active(ctx) {
			return true
		}
		looks++
		if !shutdown || !now(askEvery) {
			return false
		}
		s, err := a.status(ctx)
		if err == nil && s.Running && now(pressEvery) {
			a.press(ctx)
		}
		return err == nil && s.State == qmp.Shutdown
	})
}

func (v *VM) active(ctx context.Context) bool {
	u, err := v.unit(ctx)
	return err != nil || u.Active
}

// Happened: held and proved down is done. Held and not down was begun: as the guest may
// be on its way down by now, it is brought to its end, and nobody is asked again.
// Without the hold nothing was done.
func (a powerDown) Happened(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	h, _, err := a.place.readHold()
	if err != nil {
		return remediate.Receipt{}, unclear(step, err)
	}
	if _, err := a.unit(ctx); err != nil {
		return remediate.Receipt{}, unclear(step, err)
	}
	if err := heldBy(h); err != nil {
		return remediate.Receipt{}, fmt.Errorf("%w: %w", remediate.ErrNotDone, err)
	}
	was := parseProcess(before[keyProcess])
	if a.down(ctx, was) == nil {
		return receipt(remediate.Done, nil, "it is held, and down"), nil
	}
	return a.finish(ctx, step, was)
}

// finish brings one to its end that was begun.
func (a powerDown) finish(ctx context.Context, step remediate.Step, was process) (remediate.Receipt, error) {
	release, err := a.alone(ctx)
	if err != nil {
		return remediate.Receipt{}, unclear(step, err)
	}
	defer release()
	return a.proved(ctx, step, was, a.end(ctx, was))
}

func heldBy(h held) error {
	if h.by == heldDown {
		return nil
	}
	return errors.New("it is not held for a power-down")
}
