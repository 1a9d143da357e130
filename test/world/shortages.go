package world

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
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

// How a site is crowded: what holdShare leaves is less than that many reports need at
// once, and more than one of them needs alone.
const (
	hoard         = "rave-hoard.service"
	holdShare     = 0.75
	reportsAtOnce = 4
	reportPause   = 300 * time.Millisecond
)

// Crowd has something of the site that nobody looks after hold three quarters of its
// memory, so that the kernel kills one of several reports, as long as they are made.
func (w *World) Crowd(ctx context.Context) error {
	total, available, err := w.Memory()
	if err != nil {
		return err
	}
	bytes := available - int64((1-holdShare)*float64(total))
	// It has no end of a line, so that all of it is the last line.
	hold := fmt.Sprintf("(head --bytes=%d /dev/zero; exec sleep infinity) | exec tail", bytes)
	if _, err := w.Exec(ctx, "systemd-run", "--quiet", "--unit="+hoard, "--slice=rave.slice", "sh", "-c", hold); err != nil {
		return err
	}
	return w.until(ctx, "the site's memory to be held", func() (bool, error) {
		total, available, err := w.Memory()
		return float64(total-available) > (holdShare-0.02)*float64(total), err
	})
}

// MakeReports makes several reports at once, again and again until ctx ends.
func (w *World) MakeReports(ctx context.Context) {
	for ctx.Err() == nil {
		var all errgroup.Group
		for range reportsAtOnce {
			all.Go(func() error { return w.Report(ctx) })
		}
		_ = all.Wait() // those that were killed are what this is for
		select {
		case <-ctx.Done():
		case <-time.After(reportPause):
		}
	}
}

// Uncrowd ends what [World.Crowd] began.
func (w *World) Uncrowd(ctx context.Context) error {
	_, err := w.Exec(ctx, "systemctl", "stop", hoard)
	return err
}

// LoseRoute takes away the site's way to everywhere, which its network's manager made.
func (w *World) LoseRoute(ctx context.Context) error {
	_, err := w.Exec(ctx, "ip", "route", "delete", "default")
	return err
}

// SilenceResolver has the name server next door answer nothing any more.
func (w *World) SilenceResolver(ctx context.Context) error {
	return w.post(ctx, resolverControl)
}
