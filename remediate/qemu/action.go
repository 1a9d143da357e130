package qemu

import (
	"context"
	"errors"
	"fmt"

	"nightshift/remediate"
	"nightshift/remediate/qemu/qmp"
)

// Actions are what can be done to the VM, by verb. Each leaves the VM as it is when
// something is not as it must be, and says what.
func (v *VM) Actions() map[remediate.Verb]remediate.Action {
	return map[remediate.Verb]remediate.Action{
		remediate.VerbCont:       resume{v},
		remediate.VerbReset:      reset{v},
		remediate.VerbPowerDown:  powerDown{v},
		remediate.VerbSwap:       swap{v},
		remediate.VerbBoot:       boot{v},
		remediate.VerbCheckpoint: checkpoint{v},
		remediate.VerbPromote:    promote{v},
		remediate.VerbProve:      prove{v},
	}
}

// The names in witnesses and in the facts of receipts.
const (
	keyState   = "state"   // QEMU's run state
	keyStarted = "started" // the unit's InvocationID, which is no identity of the disks
	keyProcess = "process" // QEMU's, and when it was started
	keyEpoch   = "epoch"   // which start of the VM this is
	keyDisks   = "disks"   // what they are on
	keyInto    = "into"    // and what they are to be on
	keyStamp   = "stamp"   // the mark of what is put aside
	keyImage   = "image"   // the digest of what is put in place
	keyGood    = "last-known-good"
)

func receipt(r remediate.Result, facts map[string]string, format string, args ...any) remediate.Receipt {
	return remediate.Receipt{Result: r, Detail: remediate.Brief(fmt.Sprintf(format, args...)), Facts: facts}
}

// notDone is an error that says that nothing was done.
func notDone(step remediate.Step, err error) error { return fmt.Errorf("cannot %s: %w", step, err) }

// unclear is an error that says that it is not known whether it was.
func unclear(step remediate.Step, err error) error {
	return fmt.Errorf("cannot tell whether %s happened: %w: %w", step, remediate.ErrInDoubt, err)
}

// told sorts the errors of a command to QEMU: one that was sent and not answered is in
// doubt.
func told(step remediate.Step, err error) error {
	if errors.Is(err, qmp.ErrInDoubt) {
		return unclear(step, err)
	}
	return notDone(step, err)
}

// ended is how a step ends that ctx ended in the middle, where a second time goes
// forward: in doubt when the agent ends, timed out at its deadline.
func ended(ctx context.Context, step remediate.Step, err error) (remediate.Receipt, error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return remediate.Receipt{}, unclear(step, err)
	}
	return receipt(remediate.TimedOut, nil, "its deadline passed: %v", err), nil
}

// began is how a step fails that has changed something: by a receipt, as an error would
// say that nothing was done.
func began(ctx context.Context, step remediate.Step, err error) (remediate.Receipt, error) {
	if ctx.Err() != nil {
		return ended(ctx, step, err)
	}
	return receipt(remediate.Failed, nil, "%v", err), nil
}
