package qemu

import (
	"context"
	"errors"
	"fmt"

	"nightshift/remediate"
)

// promote has a checkpoint made the last-known-good, by root: what the agent can't write
// it can't spoil.
type promote struct{ *VM }

// promoteUnit is the oneshot unit that runs [Promote]; its instance needs no escaping,
// as neither name has a character that would (systemd.unit(5)).
func promoteUnit(vm, name string) string { return "nightshift-promote@" + vm + ":" + name + ".service" }

// Witness reads which checkpoint is the last-known-good.
func (a promote) Witness(_ context.Context, step remediate.Step) (remediate.Witness, error) {
	if step.Image == nil || step.Image.Digest == "" {
		return nil, notDone(step, errors.New("the step names no checkpoint that there is"))
	}
	if err := CheckName(step.Image.Name); err != nil {
		return nil, notDone(step, err)
	}
	good, _ := a.place.lastKnownGood()
	return remediate.Witness{keyGood: good, keyImage: step.Image.Digest}, nil
}

func (a promote) Do(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	c, err := a.checkpoint(ctx, step.Image.Name)
	if err == nil {
		err = asPlanned(step.Image, c.Digest, c.Of)
	}
	if err != nil {
		return remediate.Receipt{}, notDone(step, err)
	}
	runErr := a.o.Keeper.Oneshot(ctx, promoteUnit(a.o.Name, step.Image.Name))
	r, err := a.Happened(context.WithoutCancel(ctx), step, before)
	if err == nil || runErr == nil && errors.Is(err, remediate.ErrInDoubt) {
		return r, err
	}
	return began(ctx, step, errors.Join(runErr, err))
}

// Happened goes by what last-known-good names, if it is made of the step's checkpoint.
func (a promote) Happened(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	u, err := a.o.Keeper.State(asking, promoteUnit(a.o.Name, step.Image.Name))
	if err != nil {
		return remediate.Receipt{}, unclear(step, err)
	}
	if u.Active {
		return remediate.Receipt{}, unclear(step, errors.New("its unit is at it"))
	}
	name, err := a.place.lastKnownGood()
	if err != nil || name != step.Image.Name {
		return remediate.Receipt{}, remediate.ErrNotDone
	}
	r, err := a.place.record(name, a.goBack())
	switch {
	case err != nil:
		return remediate.Receipt{}, unclear(step, err)
	case r.Of != before[keyImage] && r.Digest() != before[keyImage]:
		return remediate.Receipt{}, fmt.Errorf("%w: the last-known-good %s is made of another checkpoint", remediate.ErrNotDone, name)
	}
	return receipt(remediate.Done, map[string]string{keyGood: name}, "the last-known-good is %s", name), nil
}
