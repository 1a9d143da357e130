package systemd

import (
	"context"
	"errors"
	"fmt"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"

	"nightshift/remediate"
)

// Actions is what can be done to a unit. Each waits until systemd has finished
// its job; start, restart and oneshot first make room below the unit's start
// limit where it is tight, and say so in the receipt's facts as ResetFailed.
func (u *Units) Actions() map[remediate.Verb]remediate.Action {
	return map[remediate.Verb]remediate.Action{
		remediate.VerbRestart:     action{u, (*sd.Conn).RestartUnitContext, true, startedAnew, nil, nil},
		remediate.VerbStart:       action{u, (*sd.Conn).StartUnitContext, true, isUp, nil, nil},
		remediate.VerbOneshot:     action{u, (*sd.Conn).StartUnitContext, true, startedAnew, onlyOneshot, nil},
		remediate.VerbStop:        action{u, (*sd.Conn).StopUnitContext, false, isStopped, nil, nil},
		remediate.VerbReload:      action{u, (*sd.Conn).ReloadUnitContext, false, leavesNoTrace, nil, nil},
		remediate.VerbResetFailed: resetting{u},
		remediate.VerbLimit:       limiting{u, false, LimitDir, nil},
		remediate.VerbUnlimit:     limiting{u, true, LimitDir, nil},
	}
}

// Heeding are the actions, each of which asks halted directly before its call: a freeze
// that comes while a unit is being read stops what follows. The error of halted is
// returned as it is.
func (u *Units) Heeding(halted func() error) map[remediate.Verb]remediate.Action {
	all := u.Actions()
	for verb, a := range all {
		switch a := a.(type) {
		case action:
			a.halted = halted
			all[verb] = a
		case limiting:
			a.halted = halted
			all[verb] = a
		}
	}
	return all
}

// onlyOneshot refuses what would be another verb, or would do nothing.
func onlyOneshot(now state) error {
	switch {
	case now.kind != typeOneshot:
		return fmt.Errorf("the unit is of Type=%s: expected Type=oneshot, use start or restart", now.kind)
	case now.isActive():
		return fmt.Errorf("the unit is %s: with RemainAfterExit=yes a start does nothing, stop it first", now)
	}
	return nil
}

// resetting is the verb reset-failed. It is no job: when systemd has answered it
// is done, or was refused.
type resetting struct{ units *Units }

func (r resetting) Witness(ctx context.Context, step remediate.Step) (remediate.Witness, error) {
	return r.units.witness(ctx, step)
}

// Do clears the unit's failure and its count of starts. A unit that systemd has
// forgotten has neither.
func (r resetting) Do(ctx context.Context, step remediate.Step, _ remediate.Witness) (remediate.Receipt, error) {
	name, err := unitOf(step.On)
	if err != nil {
		return remediate.Receipt{}, err
	}
	err = r.units.resetFailed(ctx, name)
	if err != nil && !isForgotten(err) {
		return remediate.Receipt{}, cannotAct(step, err)
	}
	after, readErr := r.units.read(ctx, name)
	if err != nil && readErr == nil && after.loadState != loaded {
		return remediate.Receipt{}, cannotAct(step, err)
	}
	return receipt(remediate.Done, describe(jobDone, after), after), nil
}

// Happened goes by the state alone: the count of starts can't be read, and to
// clear it once more does no harm.
func (r resetting) Happened(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	now, err := r.units.read(ctx, step.On.Name)
	switch {
	case err != nil:
		return remediate.Receipt{}, inDoubt(step, err)
	case now.activeState == failed || before[activeKey] != failed:
		return remediate.Receipt{}, remediate.ErrNotDone
	}
	return receipt(remediate.Done, describe(jobDone, now), now), nil
}

// isForgotten is systemd's answer for a unit that is not loaded just now.
func isForgotten(err error) bool {
	var reply dbus.Error
	return errors.As(err, &reply) && reply.Name == "org.freedesktop.systemd1.NoSuchUnit"
}
