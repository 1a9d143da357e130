package world

import (
	"context"
	"errors"
)

// LeakConnections has grafana take every connection that the database has for such as
// it, and give none back.
func (w *World) LeakConnections(ctx context.Context) error {
	return w.post(ctx, grafanaControl+"connections")
}

// SpinGrafana has grafana compute without end, on every processor.
func (w *World) SpinGrafana(ctx context.Context) error {
	return w.post(ctx, grafanaControl+"spin")
}

// StarveReport has grafana leak, and then somebody ask for a report, which needs more
// than is left: the kernel kills it, and each that follows until there is memory again.
func (w *World) StarveReport(ctx context.Context) error {
	if err := w.LeakGrafana(ctx); err != nil {
		return err
	}
	if err := w.Report(ctx); err == nil {
		return errors.New("cannot run out of memory: the report got what it asked for")
	}
	return nil
}

// Report has the site make a report, which needs 256 MiB for a moment.
func (w *World) Report(ctx context.Context) error { return w.post(ctx, reportControl) }

// LoseRoute takes away the site's way to everywhere, which its network's manager made.
func (w *World) LoseRoute(ctx context.Context) error {
	_, err := w.Exec(ctx, "ip", "route", "delete", "default")
	return err
}

// SilenceResolver has the name server next door answer nothing any more.
func (w *World) SilenceResolver(ctx context.Context) error {
	return w.post(ctx, resolverControl)
}
