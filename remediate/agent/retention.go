package agent

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"nightshift/remediate"
)

// pruneEvery is how often is looked whether disks that were put aside are kept no
// longer: their age is counted in hours.
const pruneEvery = time.Hour

// startPruning removes what was put aside and is kept no longer, for as long as the
// agent runs.
func (a *Agent) startPruning() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for pause(ctx, pruneEvery); ctx.Err() == nil; pause(ctx, pruneEvery) {
			a.prune(ctx)
		}
	}()
	a.teardown.add("pruning", func(stop context.Context) error { cancel(); return await(stop, ended) })
}

// prune removes it from each virtual machine, unless the agent may not act now.
func (a *Agent) prune(ctx context.Context) {
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
			a.log.Info("removed what was put aside and is kept no longer", slog.String("vm", name), slog.String("files", strings.Join(removed, ", ")))
		}
		if err != nil && ctx.Err() == nil {
			a.log.Warn("cannot remove what was put aside", slog.String("vm", name), slog.Any("err", err))
		}
	}
}
