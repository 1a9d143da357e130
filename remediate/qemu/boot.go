package qemu

import (
	"context"
	"errors"
	"fmt"

	"nightshift/remediate"
)

// epochCredential is how the guest finds which start of its VM this is: a credential by
// way of SMBIOS, systemd.system-credentials(7). QEMU takes the file as it is, without a
// line's end.
const epochCredential = "io.systemd.credential:nightshift.epoch="

// boot releases the VM and starts its unit.
type boot struct{ *VM }

// Witness names the start that will be.
func (a boot) Witness(ctx context.Context, step remediate.Step) (remediate.Witness, error) {
	u, err := a.unit(ctx)
	if err != nil {
		return nil, notDone(step, err)
	}
	return remediate.Witness{keyStarted: u.Invocation, keyEpoch: newID(a.o.Now())}, nil
}

// Do brings to its end what a swap left in the middle, then starts. A QEMU that runs
// already, because it could not be stopped, is released and left alone.
func (a boot) Do(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	release, err := a.alone(ctx)
	if err != nil {
		return remediate.Receipt{}, notDone(step, err)
	}
	defer release()
	u, err := a.unit(ctx)
	if err == nil {
		err = a.settle(ctx)
	}
	if err != nil {
		return remediate.Receipt{}, notDone(step, err)
	}
	if u.Active && u.MainPID != 0 {
		return a.runsStill(ctx, step, u)
	}
	if err := a.ready(ctx); err != nil {
		return remediate.Receipt{}, notDone(step, err)
	}
	return a.start(ctx, step, before[keyEpoch])
}

func (a boot) runsStill(ctx context.Context, step remediate.Step, u UnitState) (remediate.Receipt, error) {
	if err := a.place.release(); err != nil {
		return began(ctx, step, err)
	}
	return receipt(remediate.Done, map[string]string{keyStarted: u.Invocation}, "it runs, as before"), nil
}

// ready makes sure that there is one state of the disks to start, and no QEMU on it.
func (a boot) ready(ctx context.Context) error {
	if err := a.down(ctx, process{}); err != nil {
		return err
	}
	if err := a.concluded(ctx); err != nil {
		return err
	}
	on, err := a.current()
	if err != nil {
		return err
	}
	for _, name := range on {
		// As it ran on that before, QEMU is to judge; a swap looked at what it put there.
		if _, err := a.place.chain(a.place.live(name)); err != nil {
			a.o.Log.Warn("it is started on an image that would not be put in place", "vm", a.o.Name, "error", err)
		}
	}
	return nil
}

// concluded ends a swap. That what was replaced could not be renamed keeps nothing from
// starting: the plan stays for the next who comes.
func (a boot) concluded(ctx context.Context) error {
	err := a.conclude(ctx)
	if err == nil {
		return nil
	}
	x, there, planErr := a.place.exchange()
	on, onErr := a.current()
	if !there || planErr != nil || onErr != nil || identity(on) != identity(x.into()) {
		return err
	}
	a.o.Log.Warn("a swap is not quite over", "vm", a.o.Name, "error", err)
	return nil
}

// start writes the epoch, lets go of the hold, and starts the unit.
func (a boot) start(ctx context.Context, step remediate.Step, epoch string) (remediate.Receipt, error) {
	if err := writeFile(a.place.smbios(), shared, toldGuest(epoch, a.keep())); err != nil {
		return remediate.Receipt{}, notDone(step, err)
	}
	a.o.Reached("boot.named")
	if err := a.place.release(); err != nil {
		return remediate.Receipt{}, notDone(step, err)
	}
	a.o.Reached("boot.released")
	if err := a.o.Keeper.Start(ctx, a.o.Unit); err != nil {
		return began(ctx, step, fmt.Errorf("cannot start %s: %w", a.o.Unit, err))
	}
	a.o.Reached("boot.started")
	u, err := a.unit(ctx)
	if err != nil {
		return began(ctx, step, err)
	}
	return started(u, epoch), nil
}

func started(u UnitState, epoch string) remediate.Receipt {
	facts := map[string]string{keyStarted: u.Invocation, keyEpoch: epoch}
	if !u.Active {
		return receipt(remediate.Failed, facts, "its unit was started, and has ended: %s", u.Result)
	}
	return receipt(remediate.Done, facts, "its unit was started, epoch %s", epoch)
}

// Happened goes by the unit, which systemd starts anew under another InvocationID.
func (a boot) Happened(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	u, err := a.unit(ctx)
	if err != nil {
		return remediate.Receipt{}, unclear(step, err)
	}
	switch anew := u.Invocation != before[keyStarted]; {
	case u.Settling:
		return remediate.Receipt{}, unclear(step, errors.New("a job of its unit is under way"))
	case exists(a.place.holdFile()):
		return remediate.Receipt{}, remediate.ErrNotDone
	case u.Active && !anew:
		return receipt(remediate.Done, nil, "it runs, as before"), nil
	case anew && u.Invocation != "":
		return started(u, before[keyEpoch]), nil
	}
	return remediate.Receipt{}, remediate.ErrNotDone
}
