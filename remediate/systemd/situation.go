package systemd

import (
	"context"
	"fmt"
	"time"

	"nightshift/remediate"
)

// Situation reads what the gates must know of a unit. On an error nothing is
// known, and Detail says why.
func (u *Units) Situation(ctx context.Context, target remediate.Target) (remediate.Situation, error) {
	now, err := u.situation(ctx, target)
	if err != nil {
		return remediate.Situation{Detail: remediate.Brief(err.Error())}, err
	}
	return now, nil
}

func (u *Units) situation(ctx context.Context, target remediate.Target) (remediate.Situation, error) {
	name, err := unitOf(target)
	if err != nil {
		return remediate.Situation{}, err
	}
	s, err := u.glance(ctx, name)
	if err != nil {
		return remediate.Situation{}, err
	}
	// In this order: a restart by systemd in between is seen as one restart more,
	// and never as a start that nobody counted.
	if s.restarts, err = u.restarts(ctx, name); err != nil {
		return remediate.Situation{}, err
	}
	stopped, err := u.stoppedByJob(ctx, s)
	if err != nil {
		return remediate.Situation{}, err
	}
	return remediate.Situation{
		Known:        true,
		Exists:       s.loadState == loaded,
		Active:       s.isActive(),
		State:        s.String(),
		Settling:     s.isSettling(),
		Invocation:   s.invocation,
		Restarts:     int(s.restarts),
		StoppedByJob: stopped,
		StartsLeft:   u.startsLeft(ctx, s),
	}, nil
}

// isSettling is whether systemd is about to change the state by itself: it has a
// job for the unit, waits to restart it, or is on the way from one state to
// another.
func (s state) isSettling() bool { return s.job != 0 || !s.isDown() && s.activeState != active }

// chain bounds how far the reason of a stop is followed from unit to unit; at
// its end the stop counts as asked for, which is to leave the unit alone.
const chain = 5

// stoppedByJob tells whether a unit that is down was stopped on request. A stop
// that this agent asked for is one too: who asked is written nowhere.
func (u *Units) stoppedByJob(ctx context.Context, s state) (bool, error) {
	return u.wasStopped(ctx, s, chain)
}

func (u *Units) wasStopped(ctx context.Context, s state, depth int) (bool, error) {
	if !s.isDown() || s.loadState != loaded {
		return false, nil
	}
	log, err := historyOf(ctx, s.name, recentLines)
	if err != nil {
		return false, fmt.Errorf("cannot tell whether %s was stopped on request: %w", s.name, err)
	}
	stop, ok := log.lastStop()
	if !ok || s.invocation != "" && s.invocation != stop.Invocation {
		return false, nil // it ended by itself, or was never started
	}
	began, ok := log.begin(stop.Invocation)
	if !ok || depth == 0 {
		return true, nil
	}
	return u.wasMeant(ctx, s.needs, began, stop.at(), depth)
}

// wasMeant tells a stop on request from one that systemd did because a unit that
// was needed went down by itself between the start and the stop. Where that unit
// was itself stopped on request, so was this one.
func (u *Units) wasMeant(ctx context.Context, needs []string, began, stopped time.Duration, depth int) (bool, error) {
	down, err := u.down(ctx, needs)
	if err != nil {
		return false, err
	}
	for _, name := range down {
		need, err := u.read(ctx, name)
		if err != nil {
			return false, err
		}
		end, err := need.end(ctx)
		if err != nil {
			return false, err
		}
		if end < began || end > stopped {
			continue // it was down before, or went down later
		}
		if meant, err := u.wasStopped(ctx, need, depth-1); err != nil || !meant {
			return false, err
		}
	}
	return true, nil
}

// end is when the unit last went down, by CLOCK_MONOTONIC; 0 if unknown. Of one
// that systemd has forgotten, the journal knows it.
func (s state) end(ctx context.Context) (time.Duration, error) {
	if s.ended != 0 {
		return s.ended, nil
	}
	log, err := historyOf(ctx, s.name, recentLines)
	return log.ended(), err
}
