package agent

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/inventory"
	"nightshift/remediate/probe"
	"nightshift/remediate/systemd"
)

// prober asks one thing.
type prober interface {
	Probe(ctx context.Context) remediate.Observation
}

// world is what the engine asks and sees: the units over D-Bus, and the probes of
// the inventory in force.
type world struct {
	units  *systemd.Units
	sights probe.Sights
	probes atomic.Pointer[map[string]prober]
}

// Situation reads how a target stands.
func (w *world) Situation(ctx context.Context, on remediate.Target) remediate.Situation {
	if on.Kind != remediate.UnitKind {
		return remediate.Situation{Detail: "nothing reads the state of a " + string(on.Kind)}
	}
	s, err := w.units.Situation(ctx, on)
	if err != nil && s.Detail == "" {
		s.Detail = remediate.Brief(err.Error())
	}
	return s
}

// Machine reads how a VM stands.
func (w *world) Machine(context.Context, string, *remediate.Asked) remediate.Machine {
	return remediate.Machine{State: "this agent looks after no virtual machines"}
}

// Probe asks a probe of the inventory, or the state of a unit.
func (w *world) Probe(ctx context.Context, name string) remediate.Observation {
	if unit, ok := remediate.ProbedUnit(name); ok {
		return w.units.Probe(ctx, unit)
	}
	if p, ok := (*w.probes.Load())[name]; ok {
		return p.Probe(ctx)
	}
	return remediate.Observation{Probe: name, Detail: "the inventory has no probe of this name any more"}
}

// See takes one piece of evidence from whoever owns it.
func (w *world) See(ctx context.Context, look remediate.Look, about remediate.Target) remediate.Evidence {
	switch look.What {
	case remediate.SeeMemory:
		return w.sights.Memory(look)
	case remediate.SeeProcesses:
		return w.sights.Processes(ctx, look)
	case remediate.SeeProbe:
		o := w.Probe(ctx, look.Of)
		return remediate.Evidence{Look: look, Text: fmt.Sprintf("%s: %s", o.Health, o.Detail)}
	}
	return w.units.See(ctx, look, about)
}

// use puts an inventory's probes in force.
func (w *world) use(probes map[string]prober) { w.probes.Store(&probes) }

// sampler is a probe that knows only what it was asked to look at.
type sampler interface {
	prober
	Every() time.Duration
}

// keepSampling asks such probes also while all is well, until ctx ends.
func keepSampling(ctx context.Context, probes map[string]prober) (wait func()) {
	var all sync.WaitGroup
	for _, p := range probes {
		s, ok := p.(sampler)
		if !ok {
			continue
		}
		all.Go(func() {
			tick := time.NewTicker(s.Every())
			defer tick.Stop()
			for {
				s.Probe(ctx)
				select {
				case <-tick.C:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return all.Wait
}

// unitNames are the units that are shown where all are asked for.
func unitNames(file *inventory.File) []string {
	return file.Core().InOrder(slices.Collect(mapKeys(file.Units)))
}
