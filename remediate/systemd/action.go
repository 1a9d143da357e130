package systemd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/remediate"
)

// action is a verb that systemd does as a job of a unit.
type action struct {
	units *Units
	queue enqueue
	// starts is whether it counts as a start of the unit.
	starts bool
	// judge tells later, when the job's end was not heard, whether it happened.
	judge judge
	// allow, where set, says why it must not be asked for now.
	allow func(state) error
	// halted, where set, says why nothing may be done any more: it is asked last, when
	// all has been read and only the call is left.
	halted func() error
}

// Witness reads the unit's InvocationID and state, and the boot.
func (a action) Witness(ctx context.Context, step remediate.Step) (remediate.Witness, error) {
	return a.units.witness(ctx, step)
}

// Do queues the job and waits for its result, at most until ctx's deadline: the
// job goes on without us then, and the receipt says timeout. A job that somebody
// else took back is canceled, and not asked for again. In doubt is a call that was
// not answered, and a wait that ended because the connection or the agent did.
func (a action) Do(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	begin := time.Now()
	now, err := a.ready(ctx, step)
	if err != nil {
		return remediate.Receipt{}, fmt.Errorf("cannot %s: %w", step, err)
	}
	note, err := a.makeRoom(ctx, now)
	if err == nil {
		err = a.makeRoomAlong(ctx, step)
	}
	if err != nil {
		return remediate.Receipt{}, fmt.Errorf("cannot clear the start limit before %s: %w", step, err)
	}
	if a.halted != nil {
		if err := a.halted(); err != nil {
			return remediate.Receipt{}, fmt.Errorf("cannot %s: %w", step, err)
		}
	}
	result, err := a.run(ctx, now)
	if err != nil {
		return remediate.Receipt{}, cannotAct(step, err)
	}
	along := a.units.along(ctx, step)
	receipt, err := a.finish(ctx, step, before, result)
	along.tell(&receipt)
	if note != "" && err == nil {
		receipt.Facts[resetKey] = note
	}
	receipt.Took = time.Since(begin)
	return receipt, err
}

// ready reads the unit and refuses what is not to be done to it now. A second job
// would be merged with the one that is queued, or replace it.
func (a action) ready(ctx context.Context, step remediate.Step) (state, error) {
	name, err := unitOf(step.On)
	if err != nil {
		return state{}, err
	}
	now, err := a.units.glance(ctx, name)
	if err == nil && (a.allow != nil || now.activeState == failed) {
		now, err = a.units.read(ctx, name)
	}
	switch {
	case err != nil:
		return now, err
	case now.loadState != loaded:
		return now, fmt.Errorf("the unit is not loaded: LoadState=%s", now.loadState)
	case now.job != 0:
		return now, fmt.Errorf("the unit has a queued job (%d) that is not ours: wait for its end", now.job)
	}
	if a.allow != nil {
		return now, a.allow(now)
	}
	return now, nil
}

func (a action) makeRoom(ctx context.Context, now state) (note string, err error) {
	if !a.starts {
		return "", nil
	}
	return a.units.makeRoom(ctx, now)
}

// makeRoomAlong makes room for what is started anew along with the unit: that counts
// against their limits.
func (a action) makeRoomAlong(ctx context.Context, step remediate.Step) error {
	if step.Do != remediate.VerbRestart {
		return nil
	}
	for _, on := range step.Takes {
		taken, err := a.units.glance(ctx, on.Name)
		if err != nil {
			return err
		}
		if _, err := a.units.makeRoom(ctx, taken); err != nil {
			return err
		}
		a.units.starts.started(taken.name, taken.limit, monotonic())
	}
	return nil
}

func (a action) run(ctx context.Context, now state) (result string, err error) {
	c, err := a.units.bus.connection()
	if err != nil {
		return "", err
	}
	if a.starts {
		a.units.starts.started(now.name, now.limit, monotonic())
	}
	return c.run(ctx, a.queue, now.name)
}

// finish reads the unit once more, now that the job has ended or our patience
// has, and writes the receipt.
func (a action) finish(ctx context.Context, step remediate.Step, before remediate.Witness, result string) (remediate.Receipt, error) {
	// Also when ctx has ended: a read is short.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	if result == jobGone {
		return a.Happened(ctx, step, before)
	}
	after, err := a.units.read(ctx, step.On.Name)
	if err != nil {
		after = state{} // the result is known all the same
	}
	if skipped := a.starts && result == jobDone && err == nil && a.units.wasSkipped(ctx, after, before); skipped {
		return receipt(remediate.Failed, "the unit was not started: a condition of it does not hold", after), nil
	}
	return receipt(resultOf(result), describe(result, after), after), nil
}

// resultOf translates the result of a job: JobRemoved in
// org.freedesktop.systemd1(5). What is not named here could not be done.
func resultOf(job string) remediate.Result {
	switch job {
	case jobDone:
		return remediate.Done
	case jobCanceled:
		return remediate.Canceled
	case jobRuns:
		return remediate.TimedOut
	}
	return remediate.Failed
}

// describe says how a job ended, for people.
func describe(job string, after state) string {
	switch job {
	case jobDone:
		return "the unit is " + after.String()
	case jobCanceled:
		return "somebody else canceled the job, or replaced it by another"
	case jobRuns:
		return "the deadline passed and systemd goes on: the unit is " + after.String()
	}
	return fmt.Sprintf("systemd answered %q: the unit is %s, Result=%s", job, after, after.result)
}

// Happened tells by the witness whether a job that was asked for has happened; a
// job of the unit that still runs, whosever it is, is waited for until ctx ends.
func (a action) Happened(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	now, err := a.units.settled(ctx, step.On)
	if err != nil {
		return remediate.Receipt{}, inDoubt(step, err)
	}
	a.units.along(ctx, step)
	boot, err := bootID()
	if err != nil {
		return remediate.Receipt{}, inDoubt(step, err)
	}
	switch a.judge(before, now, boot) {
	case happened:
		return a.ended(now), nil
	case unclear:
		return a.units.recall(ctx, step, now.name, before)
	}
	if now.job != 0 {
		return remediate.Receipt{}, inDoubt(step, errors.New("a job of the unit is still queued"))
	}
	return remediate.Receipt{}, remediate.ErrNotDone
}

// ended is the receipt of a job that has happened, by the unit's state alone.
func (a action) ended(now state) remediate.Receipt {
	switch {
	case now.job != 0:
		return receipt(remediate.TimedOut, describe(jobRuns, now), now)
	case a.starts && (now.activeState == failed || now.waitsToRestart()):
		return receipt(remediate.Failed, fmt.Sprintf("the unit is %s, Result=%s", now, now.result), now)
	}
	return receipt(remediate.Done, describe(jobDone, now), now)
}

func inDoubt(step remediate.Step, err error) error {
	return fmt.Errorf("cannot tell whether %s happened: %w: %w", step, remediate.ErrInDoubt, err)
}
