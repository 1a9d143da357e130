package agent

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"nightshift/remediate/inventory"
	"nightshift/remediate/probe"
	"nightshift/remediate/systemd"
)

// loops counts how often systemd restarts a service by itself. Probes are made
// before anybody speaks to systemd; who does is told when they are put in force.
type loops struct {
	*probe.Counter
	units atomic.Pointer[systemd.Units]
}

func newLoops(name string, r inventory.Restarts) *loops {
	l := new(loops)
	l.Counter = probe.NewCounter(probe.CounterOptions{
		Name: name, What: "restarts by systemd itself", Max: float64(r.Max), Per: r.Per, Timeout: r.Timeout,
		Read: func(ctx context.Context) (float64, error) { return l.read(ctx, r.Unit) },
	}, time.Now)
	return l
}

func (l *loops) read(ctx context.Context, unit string) (float64, error) {
	units := l.units.Load()
	if units == nil {
		return 0, errors.New("nobody speaks to systemd")
	}
	n, err := units.Restarts(ctx, unit)
	return float64(n), err
}
