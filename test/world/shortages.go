package world

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// LeakConnections has grafana take every connection that the database has for such as
// it, and give none back.
func (w *World) LeakConnections(ctx context.Context) error {
	return w.post(ctx, grafanaControl+"connections")
}

// SpinGrafana has grafana compute without end, on one processor.
func (w *World) SpinGrafana(ctx context.Context) error {
	return w.post(ctx, grafanaControl+"spin")
}

// StarveReport has grafana leak, and then the site's report ask for more than is left:
// the kernel kills it, and it fails each time until there is memory again.
func (w *World) StarveReport(ctx context.Context) error {
	if err := w.LeakGrafana(ctx); err != nil {
		return err
	}
	err := w.Report(ctx)
	if err == nil {
		return errors.New("cannot run out of memory: the report got what it asked for")
	}
	state, err := w.Properties(ctx, reportUnit, "ExecMainStatus")
	if err == nil && state["ExecMainStatus"] != "9" {
		err = fmt.Errorf("cannot run out of memory: the report ended with %v, want killed by the kernel", state)
	}
	return err
}

const reportUnit = "rave-report.service"

// Report has the site make its report, which needs 256 MiB for a moment.
func (w *World) Report(ctx context.Context) error {
	_, err := w.Exec(ctx, "systemctl", "start", reportUnit)
	return err
}

// SmallDisk is where a file system is mounted that can be filled up: of 32 MiB.
const SmallDisk = "/var/tmp"

// How FillDisk fills: with files that nobody has written to for longer than temporary
// files are kept, and one of today.
const (
	staleAge   = 40 * 24 * time.Hour
	staleBytes = 4 << 20
)

// YoungFile is the one on the small disk that must not be removed.
const YoungFile = SmallDisk + "/of-today"

// FillDisk writes to the small disk until nothing more fits.
func (w *World) FillDisk(context.Context) error {
	if err := w.WriteFile(YoungFile, []byte("a program still needs this\n"), 0o644); err != nil {
		return err
	}
	old := time.Now().Add(-staleAge)
	for n := 0; ; n++ {
		path := filepath.Join(SmallDisk, "stale", fmt.Sprintf("upload-%02d", n))
		err := w.WriteFile(path, make([]byte, staleBytes), 0o644)
		if chtimes := os.Chtimes(w.Path(path), old, old); chtimes != nil {
			return chtimes
		}
		if errors.Is(err, unix.ENOSPC) {
			return os.Chtimes(w.Path(filepath.Dir(path)), old, old)
		}
		if err != nil {
			return err
		}
	}
}

// CleanDisk removes what FillDisk wrote.
func (w *World) CleanDisk() error {
	return errors.Join(os.RemoveAll(w.Path(filepath.Join(SmallDisk, "stale"))), os.Remove(w.Path(YoungFile)))
}

// Disk is the small disk's size, and what is free of it, in bytes.
func (w *World) Disk() (size, free uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(w.Path(SmallDisk), &s); err != nil {
		return 0, 0, fmt.Errorf("cannot read the small disk: %w", err)
	}
	return s.Blocks * uint64(s.Bsize), s.Bavail * uint64(s.Bsize), nil
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
