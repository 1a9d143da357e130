package engine

import (
	"context"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
)

// reading is how things stand, as far as the gates must know.
type reading struct {
	stand map[remediate.Target]remediate.Situation
	// peers is how healthy the units are that are in a group with what would be taken
	// down, by what their probes say.
	peers map[string]remediate.Health
	// silences cover the alert.
	silences []remediate.Silence
	// takes is what the step on by would take along now, where one is about to be done;
	// takesErr why that can't be told.
	takes    []remediate.Target
	by       remediate.Target
	takesErr error
}

// silencesTimeout is short: what is known of silences is kept at hand.
const silencesTimeout = 2 * time.Second

// read reads all of that at once.
func (e *Engine) read(ctx context.Context, about alerts.Alert, touches []remediate.Target) *reading {
	var r reading
	e.pace.Together(
		func() { r.stand = e.situations(ctx, touches) },
		func() { r.peers = e.peers(ctx, touches) },
		func() { r.silences = e.silences(ctx, about) },
	)
	return &r
}

// peers asks how healthy the units are that stand in for what would be touched.
func (e *Engine) peers(ctx context.Context, touches []remediate.Target) map[string]remediate.Health {
	inv := e.config.Load().Inventory
	var probes []string
	var units []string
	for _, on := range touches {
		if on.Kind != remediate.UnitKind {
			continue
		}
		for _, group := range inv.GroupsOf(on.Name) {
			units = append(units, inv.Groups[group].Units...)
		}
	}
	for _, unit := range units {
		probes = append(probes, inv.UnitProbes(unit)...)
	}
	if len(probes) == 0 {
		return nil
	}
	said := map[string]remediate.Observation{}
	for _, o := range e.ask(ctx, unique(probes)) {
		said[o.Probe] = o
	}
	health := map[string]remediate.Health{}
	for _, unit := range units {
		var of []remediate.Observation
		for _, probe := range inv.UnitProbes(unit) {
			of = append(of, said[probe])
		}
		health[unit] = remediate.Worst(of)
	}
	return health
}

// unique keeps the first of each.
func unique[T comparable](names []T) []T {
	seen := make(map[T]bool, len(names))
	kept := names[:0]
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			kept = append(kept, name)
		}
	}
	return kept
}

// silences are those that cover an alert; what does not answer knows of none.
func (e *Engine) silences(ctx context.Context, about alerts.Alert) []remediate.Silence {
	if about.Name() == "" {
		return nil // a person asked for it
	}
	known, _ := within(ctx, e.pace, silencesTimeout, func(ctx context.Context) []remediate.Silence {
		return e.o.World.Silences(ctx, about)
	})
	return known
}
