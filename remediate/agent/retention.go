package agent

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"nightshift/remediate"
)

// How often is looked whether disks that were put aside are kept no longer, whose age is
// counted in hours, and how much a guest has written to its console, which it can do as
// fast as the disk is.
const (
	pruneEvery = time.Hour
	trimEvery  = time.Minute
)

// startPruning removes what was put aside and is kept no longer, for as long as the
// agent runs.
func (a *Agent) startPruning() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	trimming, pruning := changes{}, changes{}
	go func() {
		defer close(ended)
		for n := 1; ctx.Err() == nil; n++ {
			pause(ctx, trimEvery)
			a.trim(trimming)
			if n%int(pruneEvery/trimEvery) == 0 {
				a.prune(ctx, pruning)
			}
		}
	}()
	a.teardown.add("pruning", func(stop context.Context) error { cancel(); return await(stop, ended) })
}

// changes are what was last wrong with each virtual machine, so that it is told once.
type changes map[string]string

// news reports whether that is another error than the last one of that machine.
func (c changes) news(vm string, err error) bool {
	text := ""
	if err != nil {
		text = err.Error()
	}
	was := c[vm]
	c[vm] = text
	return text != "" && text != was
}

// trim keeps the consoles of virtual machines small, whatever the agent may do: they
// are for its evidence.
func (a *Agent) trim(told changes) {
	for _, name := range a.world.names() {
		if m, err := a.world.find(name); err == nil {
			if err := m.trim(); told.news(name, err) {
				a.log.Warn("a guest fills the disk with its console", slog.String("vm", name), slog.Any("err", err))
			}
		}
	}
}

// prune removes it from each virtual machine, unless the agent may not act now.
func (a *Agent) prune(ctx context.Context, told changes) {
	if frozen, err := a.engine.Frozen(ctx); err != nil || frozen != nil || a.settings.Mode != remediate.Act {
		return
	}
	for _, name := range a.world.names() {
		m, err := a.world.find(name)
		if err != nil || remediate.Least(m.spec.Autonomy, remediate.Act) != remediate.Act {
			continue
		}
		removed, err := m.prune(ctx)
		if len(removed) > 0 {
			a.log.Info("removed what is kept no longer", slog.String("vm", name), slog.String("files", strings.Join(removed, ", ")))
		}
		if ctx.Err() == nil && told.news(name, err) {
			a.log.Warn("cannot remove what is kept no longer", slog.String("vm", name), slog.Any("err", err))
		}
	}
}
