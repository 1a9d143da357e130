package systemd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"nightshift/remediate"
)

// How systemd carries a job from a unit to those that hang on it, by the names that a
// unit's D-Bus object has for its dependencies: the table of dependency atoms in
// systemd's src/core. A restart goes to what runs and stays there; a stop goes through
// what is down already. PropagatesStopTo= counts for a restart, too: older systemds
// leave such a unit running then, newer ones stop it, and to expect too much is safe.
var (
	carriesRestart = []string{"RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf"}
	carriesStop    = []string{"RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo"}
	carriesStart   = []string{"Conflicts", "ConflictedBy"}
)

// shutdown is what every unit conflicts with, and what nothing hangs on that runs.
const shutdown = "shutdown.target"

// Dependants names the units that systemd would restart or stop along with a deed now,
// directly or not, sorted and without the unit itself: what hangs on it by Requires=,
// Requisite=, BindsTo= or PartOf= and runs, and what Conflicts= with it. A target has
// nothing of its own that could be interrupted: it is followed, and not named.
func (u *Units) Dependants(ctx context.Context, deed remediate.Deed) ([]string, error) {
	unit, err := u.hangs(ctx, deed.Unit)
	if err != nil {
		return nil, fmt.Errorf("cannot tell what %s %s takes along: %w", deed.Do, deed.Unit, err)
	}
	w := walk{units: u, begin: unit.name, seen: map[visit]bool{}, taken: map[string]bool{}}
	switch deed.Do {
	case remediate.VerbRestart:
		err = w.restarts(ctx, unit)
		if err == nil {
			err = w.starts(ctx, unit)
		}
	case remediate.VerbStart, remediate.VerbOneshot:
		err = w.starts(ctx, unit)
	case remediate.VerbStop:
		err = w.stops(ctx, unit)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot tell what %s %s takes along: %w", deed.Do, deed.Unit, err)
	}
	return w.named(), nil
}

// hanging is a unit with what hangs on it.
type hanging struct {
	state
	by properties
}

func (u *Units) hangs(ctx context.Context, name string) (hanging, error) {
	p, err := u.properties(ctx, name, allOfUnit)
	return hanging{p.parse(name), p}, err
}

// goesAlong is whether a restart is carried to it: not to what is down, or on its way
// there.
func (h hanging) goesAlong() bool { return !h.isDown() && h.activeState != deactivating }

// walk follows one job through the units that it is carried to.
type walk struct {
	units *Units
	begin string
	seen  map[visit]bool
	taken map[string]bool
}

// visit is one unit that one kind of job has come to.
type visit struct{ job, unit string }

// each reads what hangs on a unit by any of these dependencies, unless that kind of job
// has come there before.
func (w walk) each(ctx context.Context, job string, unit hanging, by []string, come func(hanging) error) error {
	for _, kind := range by {
		for _, name := range get[[]string](unit.by, kind) {
			if w.seen[visit{job, name}] || name == shutdown {
				continue
			}
			w.seen[visit{job, name}] = true
			next, err := w.units.hangs(ctx, name)
			if err != nil {
				return err
			}
			if err := come(next); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w walk) restarts(ctx context.Context, unit hanging) error {
	err := w.each(ctx, "restart", unit, carriesRestart, func(next hanging) error {
		if !next.goesAlong() {
			return nil
		}
		w.taken[next.name] = true
		return w.restarts(ctx, next)
	})
	if err != nil {
		return err
	}
	return w.each(ctx, "stop", unit, []string{"PropagatesStopTo"}, w.stopped(ctx))
}

func (w walk) stops(ctx context.Context, unit hanging) error {
	return w.each(ctx, "stop", unit, carriesStop, w.stopped(ctx))
}

// starts stops what can't run beside the unit, if that is not up already.
func (w walk) starts(ctx context.Context, unit hanging) error {
	return w.each(ctx, "stop", unit, carriesStart, w.stopped(ctx))
}

func (w walk) stopped(ctx context.Context) func(hanging) error {
	return func(next hanging) error {
		if !next.isDown() {
			w.taken[next.name] = true
		}
		return w.stops(ctx, next)
	}
}

// named are those that were taken, without the unit where it began and the targets.
func (w walk) named() []string {
	names := []string{}
	for name := range w.taken {
		if name != w.begin && !strings.HasSuffix(name, ".target") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
