package systemd

import (
	"context"

	"nightshift/remediate"
)

// Service is how a service stands, for who runs something of its own in it.
type Service struct {
	// Exists is whether it is loaded, Active whether it is anything but inactive and
	// failed, Settling whether a job of it is under way.
	Exists, Active, Settling bool
	// Failed and Result are how it last ended: Result= of systemd.service(5).
	Failed bool
	Result string
	// MainPID is its main process; 0 when there is none.
	MainPID int
	// Invocation changes exactly when it is started anew.
	Invocation string
}

// Service reads a service.
func (u *Units) Service(ctx context.Context, name string) (Service, error) {
	s, err := u.read(ctx, name)
	if err != nil {
		return Service{}, err
	}
	return Service{
		Exists: s.loadState == loaded, Active: !s.isDown(), Settling: s.isSettling(), Failed: s.activeState == failed,
		Result: s.result, MainPID: s.mainPID, Invocation: s.invocation,
	}, nil
}

// Stopped reports whether a service is down because somebody asked for that. It reads
// the system journal, which can take its time where the disk is in trouble.
func (u *Units) Stopped(ctx context.Context, name string) (bool, error) {
	s, err := u.read(ctx, name)
	if err != nil {
		return false, err
	}
	return u.stoppedByJob(ctx, s)
}

// Job has systemd do one verb with a unit and waits for its end, as a step of a plan
// would, without one: for what runs its own things in units.
func (u *Units) Job(ctx context.Context, verb remediate.Verb, name string) (remediate.Receipt, error) {
	step := remediate.Step{Do: verb, On: remediate.Unit(name)}
	action := u.Actions()[verb]
	before, err := action.Witness(ctx, step)
	if err != nil {
		return remediate.Receipt{}, err
	}
	return action.Do(ctx, step, before)
}
