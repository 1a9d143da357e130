package agent

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"nightshift/remediate"
	"nightshift/remediate/inventory"
	"nightshift/remediate/systemd"
)

// Checked is the answer of one check.
type Checked struct {
	// Kind is probe, unit or vm, Name its name in the inventory.
	Kind string `json:"kind"`
	Name string `json:"name"`
	remediate.Observation
}

// Checks is the health check of everything that the inventory names and that is
// there at all times, by this process itself: the agent need not run. The function asks all at once; end gives
// up what it needed.
func Checks(ctx context.Context, s Settings, file *inventory.File, log *slog.Logger) (check func(context.Context) []Checked, end func(), err error) {
	w, end, err := worldOf(s, file, log)
	if err != nil {
		return nil, nil, err
	}
	var asked []Checked
	for _, name := range file.Core().Site() {
		asked = append(asked, Checked{Kind: "unit", Name: name})
	}
	for _, name := range slices.Sorted(maps.Keys(file.VMs)) {
		asked = append(asked, Checked{Kind: "vm", Name: name})
	}
	proofs := onlyProofs(file)
	for _, name := range slices.Sorted(maps.Keys(file.Probes)) {
		if !proofs[name] {
			asked = append(asked, Checked{Kind: "probe", Name: name})
		}
	}
	return func(ctx context.Context) []Checked { return checkAll(ctx, w, asked) }, end, nil
}

// onlyProofs are the probes of a copy in which a checkpoint is proved, and of nothing
// else: they answer only while one is, so that a health check can't go by them.
func onlyProofs(file *inventory.File) map[string]bool {
	proofs := map[string]bool{}
	for _, vm := range file.VMs {
		if vm.Proof != nil {
			for _, name := range vm.Proof.Healthy {
				proofs[name] = true
			}
		}
	}
	for _, vm := range file.VMs {
		for _, name := range vm.Healthy {
			delete(proofs, name)
		}
	}
	return proofs
}

// probe is the name of the probe that a check asks.
func (c Checked) probe() string {
	switch c.Kind {
	case "unit":
		return remediate.UnitProbe(c.Name)
	case "vm":
		return remediate.VMProbe(c.Name)
	}
	return c.Name
}

func checkAll(ctx context.Context, w *world, asked []Checked) []Checked {
	checked := slices.Clone(asked)
	var all sync.WaitGroup
	for n := range checked {
		all.Go(func() { checked[n].Observation = w.Probe(ctx, checked[n].probe()) })
	}
	all.Wait()
	return checked
}

// worldOf is a world for one command, without an agent.
func worldOf(s Settings, file *inventory.File, log *slog.Logger) (*world, func(), error) {
	probes, err := makeProbes(s, file, inForce{})
	if err != nil {
		return nil, nil, err
	}
	bus := systemd.Connect(systemd.Options{Log: log, Registry: prometheus.NewRegistry()}) // nobody scrapes a command
	listed := func() []string { return unitNames(file) }
	w := &world{units: systemd.NewUnits(bus, listed), listed: listed, sights: sightsOf(file), load: newLoad(file), log: log}
	w.use(probes, makeVMs(w, file, nil, false))
	return w, bus.Close, nil
}

// UnitsOfHost are the service units that this host has, for a first inventory.
func UnitsOfHost(ctx context.Context) ([]inventory.FoundUnit, error) {
	listed, err := systemd.Services(ctx)
	found := make([]inventory.FoundUnit, len(listed))
	for n, unit := range listed {
		found[n] = inventory.FoundUnit(unit)
	}
	return found, err
}
