package agent

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/inventory"
	"nightshift/remediate/probe"
	"nightshift/remediate/systemd"
)

// prober asks one thing.
type prober interface {
	Probe(ctx context.Context) remediate.Observation
}

// world is what the engine asks and sees: the units over D-Bus, and the probes and
// virtual machines of the inventory in force.
type world struct {
	units  *systemd.Units
	sights probe.Sights
	load   *probe.Load
	listed func() []string // the units of the inventory in force
	log    *slog.Logger
	probes atomic.Pointer[map[string]prober]
	vms    atomic.Pointer[map[string]*machine]
	// silences are those that cover an alert; nil where no Alertmanager is listened to.
	silences func(alerts.Alert) []remediate.Silence
}

// Silences are those that cover an alert now, as the Alertmanagers were heard last:
// nothing is asked. Where none can be reached no silence is known.
func (w *world) Silences(_ context.Context, a alerts.Alert) []remediate.Silence {
	if w.silences == nil {
		return nil
	}
	return w.silences(a)
}

// Situation reads how a target stands.
func (w *world) Situation(ctx context.Context, on remediate.Target) remediate.Situation {
	var s remediate.Situation
	var err error
	switch on.Kind {
	case remediate.UnitKind:
		s, err = w.units.Situation(ctx, on)
	case remediate.VMKind:
		s, err = w.situationOfVM(ctx, on.Name)
	default:
		return remediate.Situation{Detail: "nothing reads the state of a " + string(on.Kind)}
	}
	if err != nil && s.Detail == "" {
		s.Detail = remediate.Brief(err.Error())
	}
	return s
}

// Dependants names the units that a deed takes along.
func (w *world) Dependants(ctx context.Context, deed remediate.Deed) ([]string, error) {
	return w.units.Dependants(ctx, deed)
}

func (w *world) situationOfVM(ctx context.Context, name string) (remediate.Situation, error) {
	m, err := w.find(name)
	if err != nil {
		return remediate.Situation{}, err
	}
	return m.Situation(ctx)
}

// Probe asks a probe of the inventory, or the state of a unit or of a VM.
func (w *world) Probe(ctx context.Context, name string) remediate.Observation {
	if unit, ok := remediate.ProbedUnit(name); ok {
		return w.units.Probe(ctx, unit)
	}
	if vm, ok := remediate.ProbedVM(name); ok {
		m, err := w.find(vm)
		if err != nil {
			return remediate.Observation{Probe: name, Detail: err.Error()}
		}
		return m.Probe(ctx)
	}
	if p, ok := (*w.probes.Load())[name]; ok {
		return p.Probe(ctx)
	}
	return remediate.Observation{Probe: name, Detail: "the inventory has no probe of this name any more"}
}

// See takes one piece of evidence from whoever owns it.
func (w *world) See(ctx context.Context, look remediate.Look, about remediate.Target) remediate.Evidence {
	ofVM := about.Kind == remediate.VMKind && (look.What == remediate.SeeProbe && look.Of == "" || slices.Contains(seesVM, look.What))
	switch {
	case ofVM:
		return w.seeVM(ctx, look, about)
	case look.What == remediate.SeeProbe:
		o := w.Probe(ctx, look.Of)
		return remediate.Evidence{Look: look, Text: fmt.Sprintf("%s: %s", o.Health, o.Detail)}
	}
	if seen, ok := w.seeHost(ctx, look); ok {
		return seen
	}
	return w.units.See(ctx, look, about)
}

// use puts an inventory's probes and virtual machines in force.
func (w *world) use(probes map[string]prober, vms map[string]*machine) {
	for _, p := range probes {
		if l, ok := p.(*loops); ok {
			l.units.Store(w.units)
		}
	}
	w.probes.Store(&probes)
	w.vms.Store(&vms)
}

// samplers are all that has to be asked also while all is well.
func (w *world) samplers() []sampler {
	var all []sampler
	watched := false
	for _, p := range *w.probes.Load() {
		if s, ok := p.(sampler); ok {
			all = append(all, s)
		}
		if _, ok := p.(*probe.CPU); ok && !watched {
			all, watched = append(all, watchedLoad{w.load}), true
		}
	}
	for _, name := range w.names() {
		all = append(all, watchedVM{name, w})
	}
	return all
}

// sampler is a probe that knows only what it was asked to look at.
type sampler interface {
	prober
	Every() time.Duration
}

// keepSampling asks samplers until ctx ends.
func keepSampling(ctx context.Context, samplers []sampler) (wait func()) {
	var all sync.WaitGroup
	for _, s := range samplers {
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
