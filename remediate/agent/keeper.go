package agent

import (
	"context"
	"errors"
	"fmt"

	"nightshift/remediate"
	"nightshift/remediate/qemu"
	"nightshift/remediate/systemd"
)

// keeper runs the units of virtual machines: systemd does.
type keeper struct{ units *systemd.Units }

var _ qemu.Keeper = keeper{}

// Start starts a unit and waits for the end of the job.
func (k keeper) Start(ctx context.Context, unit string) error {
	return k.job(ctx, remediate.VerbStart, unit)
}

// Stop stops a unit and waits for the end of the job.
func (k keeper) Stop(ctx context.Context, unit string) error {
	return k.job(ctx, remediate.VerbStop, unit)
}

// Oneshot starts a unit that does one thing and ends, and waits for that.
func (k keeper) Oneshot(ctx context.Context, unit string) error {
	return k.job(ctx, remediate.VerbOneshot, unit)
}

func (k keeper) job(ctx context.Context, verb remediate.Verb, unit string) error {
	receipt, err := k.units.Job(ctx, verb, unit)
	switch {
	case err != nil:
		return fmt.Errorf("cannot %s %s: %w", verb, unit, err)
	case receipt.Result == remediate.TimedOut && ctx.Err() != nil:
		return fmt.Errorf("cannot wait for the end of %s %s: %w", verb, unit, ctx.Err())
	case receipt.Result != remediate.Done:
		return fmt.Errorf("cannot %s %s: %w", verb, unit, errors.New(receipt.Detail))
	}
	return nil
}

// State reads how a unit stands.
func (k keeper) State(ctx context.Context, unit string) (qemu.UnitState, error) {
	s, err := k.units.Service(ctx, unit)
	return qemu.UnitState(s), err
}

// Stopped reports whether a unit is down because somebody asked for that.
func (k keeper) Stopped(ctx context.Context, unit string) (bool, error) {
	return k.units.Stopped(ctx, unit)
}
