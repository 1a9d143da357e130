package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"nightshift/remediate"
	"nightshift/remediate/guard"
)

// dependants reads what deeds take along.
func (e *Engine) dependants(ctx context.Context, deeds []remediate.Deed) (remediate.Dependants, error) {
	type answer struct {
		units []string
		err   error
	}
	answers := each(ctx, e.pace, probeTimeout, deeds, func(ctx context.Context, deed remediate.Deed) answer {
		units, err := e.o.World.Dependants(ctx, deed)
		return answer{units, err}
	}, func(remediate.Deed) answer {
		return answer{err: errors.New(noAnswer)}
	})
	read := make(remediate.Dependants, len(deeds))
	for n, deed := range deeds {
		if err := answers[n].err; err != nil {
			return nil, fmt.Errorf("what %s %s takes along is unknown: %w", deed.Do, deed.Unit, err)
		}
		read[deed] = answers[n].units
	}
	return read, nil
}

// takes reads what a step would take along now.
func (e *Engine) takes(ctx context.Context, step remediate.Step) ([]remediate.Target, error) {
	deed, ok := step.Deed()
	if !ok {
		return nil, nil
	}
	read, err := e.dependants(ctx, []remediate.Deed{deed})
	return read.Of(step), err
}

// along tells the gates what is touched only because it is taken along, and what of it
// the plan does not say: what hangs on a unit may have come up since.
func along(f *guard.Facts, i *remediate.Incident, read *reading) {
	rung := i.Plan.Rungs[i.Rung]
	f.TakesUnread = i.Plan.Unread
	for n, t := range f.Touches {
		if by, ok := rung.TakenBy(t.On); ok {
			f.Touches[n].With = by.On
		}
	}
	if read.takesErr != nil {
		f.TakesUnread = remediate.Brief(read.takesErr.Error())
	}
	planned := rung.Touches()
	for n, t := range f.Touches {
		if slices.Contains(read.takes, t.On) && !slices.Contains(planned, t.On) {
			f.Touches[n].With, f.Unplanned = read.by, append(f.Unplanned, t.On)
		}
	}
}
