package qemu

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"nightshift/remediate"
	"nightshift/remediate/qemu/qmp"
)

// pauses are the run states that `cont` ends: RunState in QEMU's qapi/run-state.json.
var pauses = []qmp.RunState{qmp.Paused, qmp.Prelaunch, qmp.IOError, qmp.Watchdog, qmp.Debug}

func paused(s qmp.Status) bool { return !s.Running && slices.Contains(pauses, s.State) }

// stateWitness reads QEMU's run state, and which start of the unit this is.
func (v *VM) stateWitness(ctx context.Context, step remediate.Step) (remediate.Witness, error) {
	s, err := v.status(ctx)
	if err != nil {
		return nil, notDone(step, err)
	}
	u, err := v.unit(ctx)
	if err != nil {
		return nil, notDone(step, err)
	}
	return remediate.Witness{keyState: string(s.State), keyStarted: u.Invocation}, nil
}

// resume lets a paused guest go on.
type resume struct{ *VM }

func (a resume) Witness(ctx context.Context, step remediate.Step) (remediate.Witness, error) {
	return a.stateWitness(ctx, step)
}

func (a resume) Do(ctx context.Context, step remediate.Step, _ remediate.Witness) (r remediate.Receipt, err error) {
	err = a.monitor(ctx, func(ctx context.Context, c *qmp.Conn) error {
		s, err := c.Status(ctx)
		if err != nil {
			return err
		}
		if !s.Running && !paused(s) {
			return fmt.Errorf("the guest is %s, which cont does not end", s.State)
		}
		r, err = goOn(ctx, c)
		return err
	})
	if err != nil {
		return r, told(step, err)
	}
	return r, nil
}

// goOn lets the guest run, and says what came of it.
func goOn(ctx context.Context, c *qmp.Conn) (remediate.Receipt, error) {
	if err := c.Continue(ctx); err != nil {
		return remediate.Receipt{}, err
	}
	s, err := c.Status(ctx)
	if err != nil {
		return remediate.Receipt{}, errors.Join(qmp.ErrInDoubt, err)
	}
	return running(s), nil
}

func running(s qmp.Status) remediate.Receipt {
	facts := map[string]string{keyState: string(s.State)}
	if s.Running {
		return receipt(remediate.Done, facts, "the guest is %s", s.State)
	}
	return receipt(remediate.Failed, facts, "the guest is %s again", s.State)
}

func (a resume) Happened(ctx context.Context, step remediate.Step, _ remediate.Witness) (remediate.Receipt, error) {
	s, err := a.status(ctx)
	switch {
	case err != nil:
		return remediate.Receipt{}, unclear(step, err)
	case s.Running:
		return running(s), nil
	}
	return remediate.Receipt{}, remediate.ErrNotDone
}

// reset is the reset button.
type reset struct{ *VM }

func (a reset) Witness(ctx context.Context, step remediate.Step) (remediate.Witness, error) {
	return a.stateWitness(ctx, step)
}

// Do resets the machine, and lets it run: QEMU leaves one that stood still before in
// prelaunch (measured with 7.2).
func (a reset) Do(ctx context.Context, step remediate.Step, _ remediate.Witness) (r remediate.Receipt, err error) {
	pressed := false
	err = a.monitor(ctx, func(ctx context.Context, c *qmp.Conn) error {
		if err := c.Reset(ctx); err != nil {
			return err
		}
		pressed = true
		a.o.Reached("reset.pressed")
		s, err := c.Status(ctx)
		if err == nil && paused(s) {
			r, err = goOn(ctx, c)
			return err
		}
		r = running(s)
		return err
	})
	switch {
	case err != nil && pressed:
		return receipt(remediate.Failed, nil, "it was reset, and then: %v", err), nil
	case err != nil:
		return r, told(step, err)
	}
	return r, nil
}

// Happened can tell only of a guest that stood still before, and only of the same
// QEMU: a running one shows no trace of a reset.
func (a reset) Happened(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	now, err := a.stateWitness(ctx, step)
	if err != nil {
		return remediate.Receipt{}, unclear(step, err)
	}
	was := qmp.RunState(before[keyState])
	switch {
	case now[keyStarted] != before[keyStarted]:
		return remediate.Receipt{}, unclear(step, errors.New("its unit was started anew since"))
	case was == qmp.Running || slices.Contains(pauses, was):
		return remediate.Receipt{}, unclear(step, errors.New("QEMU shows no trace of it"))
	case now[keyState] == before[keyState]:
		return remediate.Receipt{}, remediate.ErrNotDone
	}
	return a.letRun(ctx, step, now)
}

// letRun ends what a crash left between a reset and the start of the guest.
func (a reset) letRun(ctx context.Context, step remediate.Step, now remediate.Witness) (remediate.Receipt, error) {
	if !slices.Contains(pauses, qmp.RunState(now[keyState])) {
		return running(qmp.Status{Running: now[keyState] == string(qmp.Running), State: qmp.RunState(now[keyState])}), nil
	}
	return resume(a).Do(ctx, step, now)
}
