package qemu

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/qemu/qmp"
)

// Machine reads how the VM stands, and what a swap could put in place now.
func (v *VM) Machine(ctx context.Context, asked *remediate.Asked) remediate.Machine {
	var m remediate.Machine
	s, err := v.status(ctx)
	if err != nil {
		m.State = v.silence(ctx, err)
	} else {
		m.Alive, m.Paused, m.State = true, paused(s), string(s.State)
	}
	m.Images, m.Lacks = v.images(ctx, asked)
	return m
}

// silence says why QEMU does not answer.
func (v *VM) silence(ctx context.Context, err error) string {
	if u, unitErr := v.unit(ctx); unitErr == nil && !u.Active {
		return "down: " + v.o.Unit + " is not active"
	}
	return remediate.Brief(err.Error())
}

// Situation reads what a gate must know. Its Invocation is what the disks are on.
func (v *VM) Situation(ctx context.Context) (remediate.Situation, error) {
	u, err := v.unit(ctx)
	if err != nil {
		return remediate.Situation{StartsLeft: -1, Detail: remediate.Brief(err.Error())}, err
	}
	stopped, err := v.stopped(ctx, u)
	if err != nil {
		return remediate.Situation{StartsLeft: -1, Detail: remediate.Brief(err.Error())}, err
	}
	s := remediate.Situation{
		Known: true, Exists: u.Exists, Active: u.Active, Settling: u.Settling, StartsLeft: -1,
		State: v.word(ctx, u), StoppedByJob: stopped,
	}
	if v.o.GuestActs != nil {
		s.GuestActs = v.o.GuestActs(ctx)
	}
	on, err := v.current()
	if err != nil {
		s.Detail = remediate.Brief(err.Error())
		return s, nil
	}
	s.Invocation = identity(on)
	return s, nil
}

// stopped reports whether a person stopped it: a hold of ours tells that it was us.
func (v *VM) stopped(ctx context.Context, u UnitState) (bool, error) {
	if h, _, _ := v.place.readHold(); u.Active || h.ours() {
		return false, nil
	}
	stopped, err := v.o.Keeper.Stopped(ctx, v.o.Unit)
	if err != nil {
		return false, fmt.Errorf("cannot tell whether somebody stopped %s: %w", v.o.Unit, err)
	}
	return stopped, nil
}

// word is the state of the VM in a word or two.
func (v *VM) word(ctx context.Context, u UnitState) string {
	switch {
	case !u.Active && u.Failed:
		return "down, " + v.o.Unit + " has failed (" + u.Result + ")"
	case !u.Active:
		return "down"
	}
	s, err := v.status(ctx)
	if err != nil {
		return "up, and QEMU does not answer"
	}
	return string(s.State)
}

// Probe is the VM's run state: running is healthy. A QEMU that does not answer while its
// unit is active says nothing of the guest.
func (v *VM) Probe(ctx context.Context) remediate.Observation {
	begin := time.Now()
	o := remediate.Observation{Probe: remediate.VMProbe(v.o.Name)}
	o.Health, o.Detail = v.look(ctx)
	o.Down = o.Health == remediate.Unhealthy && v.staysDown(ctx)
	o.Detail, o.Took = remediate.Brief(o.Detail), time.Since(begin)
	return o
}

// staysDown reports whether its unit has ended and nobody is about to start it: no job of
// it is under way, and we do not hold it to do so.
func (v *VM) staysDown(ctx context.Context) bool {
	u, err := v.unit(ctx)
	if err != nil || u.Active || u.Settling {
		return false
	}
	h, _, err := v.place.readHold()
	return err == nil && !h.ours()
}

func (v *VM) look(ctx context.Context) (remediate.Health, string) {
	u, err := v.unit(ctx)
	switch {
	case err != nil:
		return remediate.Unknown, err.Error()
	case !u.Active:
		return remediate.Unhealthy, v.word(ctx, u)
	}
	s, err := v.status(ctx)
	switch {
	case errors.Is(err, qmp.ErrGone):
		return v.ended(ctx, err)
	case err != nil:
		return remediate.Unknown, err.Error()
	case s.Running:
		return remediate.Healthy, "the guest is running"
	case s.State == qmp.InMigrate || s.State == qmp.FinishMigrate || s.State == qmp.SaveVM || s.State == qmp.RestoreVM:
		return remediate.Unknown, "the guest is " + string(s.State)
	}
	return remediate.Unhealthy, "the guest is " + string(s.State)
}

// ended tells a QEMU that has just ended from one whose socket is not there.
func (v *VM) ended(ctx context.Context, err error) (remediate.Health, string) {
	if u, unitErr := v.unit(ctx); unitErr == nil && !u.Active {
		return remediate.Unhealthy, "down"
	}
	return remediate.Unknown, err.Error()
}
