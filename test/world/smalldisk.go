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

// SmallDisk is where a site has a file system of its own that can be filled up.
const SmallDisk = "/var/tmp"

// What the small disk is made of: a file, and so many bytes of it.
const (
	diskImage = "/var/lib/rave-tmp.img"
	diskBytes = 32 << 20
)

// makeSmallDisk makes the file system before anything mounts it. All of it is for
// everybody: the usual twentieth that is root's would not be seen as free.
func (w *World) makeSmallDisk(ctx context.Context) error {
	if err := w.WriteFile(diskImage, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(w.Path(diskImage), diskBytes); err != nil {
		return err
	}
	_, err := w.inRoot(ctx, nil, "/usr/sbin/mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", diskImage)
	return err
}

// How FillDisk fills: with files that nobody has written to for longer than temporary
// files are kept, and one of today.
const (
	staleDir   = SmallDisk + "/stale"
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
		path := filepath.Join(staleDir, fmt.Sprintf("upload-%02d", n))
		full := w.WriteFile(path, make([]byte, staleBytes), 0o644)
		if full != nil && !errors.Is(full, unix.ENOSPC) {
			return full
		}
		if err := os.Chtimes(w.Path(path), old, old); err != nil {
			return err
		}
		if full != nil {
			return os.Chtimes(w.Path(staleDir), old, old)
		}
	}
}

// CleanDisk removes what FillDisk wrote.
func (w *World) CleanDisk() error {
	return errors.Join(os.RemoveAll(w.Path(staleDir)), os.Remove(w.Path(YoungFile)))
}

// Disk is the small disk's size, and what is free of it, in bytes.
func (w *World) Disk() (size, free uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(w.Path(SmallDisk), &s); err != nil {
		return 0, 0, fmt.Errorf("cannot read the small disk: %w", err)
	}
	return s.Blocks * uint64(s.Bsize), s.Bavail * uint64(s.Bsize), nil
}
