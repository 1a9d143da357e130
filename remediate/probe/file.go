package probe

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"nightshift/remediate"
)

// FileOptions say which file must be there.
type FileOptions struct {
	Name    string
	Path    string
	Timeout time.Duration
}

// File wants a regular file that is not empty. It never opens it, so the file may
// be a secret. A link is followed.
type File struct {
	o    FileOptions
	turn turn
}

// NewFile makes a probe of a file.
func NewFile(o FileOptions) *File { return &File{o, newTurn()} }

// Probe looks once.
func (f *File) Probe(ctx context.Context) remediate.Observation {
	return ask(ctx, f.o.Name, f.o.Timeout, func(ctx context.Context) answer {
		return f.turn.look(ctx, f.look)
	})
}

func (f *File) look() answer {
	info, err := os.Stat(f.o.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return unhealthy("it does not exist")
	case err != nil:
		return unknown("cannot look at it: %v", err)
	case !info.Mode().IsRegular():
		return unhealthy("it is no regular file")
	case info.Size() == 0:
		return unhealthy("it is empty")
	}
	return healthy("it is there and not empty")
}

// DiskOptions say how much must be free where a path lies.
type DiskOptions struct {
	Name string
	Path string
	// MinPercent and MinBytes must be free; 0 asks for nothing.
	MinPercent float64
	MinBytes   int64
	// MinInodes is the share of its inodes that must be free, in percent.
	MinInodes float64
	Timeout   time.Duration
}

// Disk wants free space.
type Disk struct {
	o    DiskOptions
	turn turn
}

// NewDisk makes a probe of free space.
func NewDisk(o DiskOptions) *Disk { return &Disk{o, newTurn()} }

// Probe looks once.
func (d *Disk) Probe(ctx context.Context) remediate.Observation {
	return ask(ctx, d.o.Name, d.o.Timeout, func(ctx context.Context) answer {
		return d.turn.look(ctx, d.look)
	})
}

func (d *Disk) look() answer {
	var stat unix.Statfs_t
	if err := unix.Statfs(d.o.Path, &stat); err != nil {
		return unknown("cannot look at %s: %v", d.o.Path, err)
	}
	seen := d.judge(int64(stat.Bavail)*stat.Bsize, int64(stat.Blocks-stat.Bfree)*stat.Bsize)
	if seen.health == remediate.Healthy && d.o.MinInodes > 0 {
		return d.judgeInodes(seen.detail, stat.Ffree, stat.Files)
	}
	return seen
}

// judgeInodes holds the inodes against the least. Some file systems (btrfs) make
// them as they are needed, and say that they have none: they never run out.
func (d *Disk) judgeInodes(space string, free, all uint64) answer {
	if all == 0 {
		return healthy("%s", space)
	}
	share := 100 * float64(free) / float64(all)
	if share < d.o.MinInodes {
		return unhealthy("%s, but only %d inodes (%s), expected at least %s", space, free, percent(share), percent(d.o.MinInodes))
	}
	return healthy("%s, and %d inodes (%s)", space, free, percent(share))
}

// judge holds what is free against the least. As with df(1), the whole is what
// is used and what users other than root may still use.
func (d *Disk) judge(free, used int64) answer {
	if free+used == 0 {
		return unknown("the file system has no size")
	}
	share := 100 * float64(free) / float64(free+used)
	seen := bytesOf(free) + " are free (" + percent(share) + ")"
	switch {
	case share < d.o.MinPercent:
		return unhealthy("%s, expected at least %s", seen, percent(d.o.MinPercent))
	case free < d.o.MinBytes:
		return unhealthy("%s, expected at least %s", seen, bytesOf(d.o.MinBytes))
	}
	return healthy("%s", seen)
}
