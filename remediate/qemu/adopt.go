package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Adopt gives a VM its first disks: each image is copied, flat, into good/, recorded and
// made the last-known-good, and each disk is put on a new overlay on it. from names an
// image for each disk that goes back, by its absolute path. It runs as root, for a
// person, before there is anything to lose: a disk that is on something already is
// refused before anything is written. Run again after a crash it starts anew. progress,
// which may be nil, is told of bytes.
func Adopt(ctx context.Context, o PromoteOptions, from map[string]string, progress func(done, total int64)) (Record, error) {
	r, err := adoptTo(ctx, o, from, progress)
	if err != nil {
		return Record{}, fmt.Errorf("cannot adopt %s for %s: %w", o.Name, o.VM, err)
	}
	return r, nil
}

func adoptTo(ctx context.Context, o PromoteOptions, from map[string]string, progress func(done, total int64)) (Record, error) {
	for disk, path := range from {
		if !slices.Contains(o.Disks, disk) {
			return Record{}, fmt.Errorf("the VM has no disk %q that goes back: expected %s", disk, strings.Join(o.Disks, ", "))
		}
		o.DeploysFrom = append(slices.Clone(o.DeploysFrom), filepath.Dir(path)) // root named it: it may lie there
	}
	p := newPromotion(o, progress)
	if err := p.fresh(from); err != nil {
		return Record{}, err
	}
	r, err := p.point(func() (Record, error) { return p.adopted(ctx, from) })
	if err != nil {
		return r, err
	}
	for _, disk := range o.Disks {
		if err := p.begin(ctx, disk, r.Disks[disk]); err != nil {
			return r, err
		}
	}
	return r, nil
}

// fresh refuses a VM that has disks, and images that are not all there.
func (p *promotion) fresh(from map[string]string) error {
	var wrong []error
	for _, disk := range p.o.Disks {
		switch path := from[disk]; {
		case exists(p.place.live(disk)):
			wrong = append(wrong, fmt.Errorf("disk %s has its first image already: %s is there; use nightshift vm deploy", disk, p.place.live(disk)))
		case path == "":
			wrong = append(wrong, fmt.Errorf("no image is named for disk %s", disk))
		case !filepath.IsAbs(path) || filepath.Clean(path) != path:
			wrong = append(wrong, fmt.Errorf("the image of disk %s is %q: expected an absolute path", disk, path))
		}
	}
	return errors.Join(wrong...)
}

// adopted makes the record; one that a crash left whole is read instead.
func (p *promotion) adopted(ctx context.Context, from map[string]string) (Record, error) {
	var stamps []string
	for _, disk := range p.o.Disks {
		i, err := readImage(from[disk])
		if err != nil {
			return Record{}, err
		}
		stamps = append(stamps, disk+"="+i.stamp())
	}
	of := digest(strings.Join(stamps, " "))
	if exists(p.place.good(p.o.Name + ".json")) {
		r, err := p.place.record(p.o.Name, p.o.Disks)
		if err == nil && r.Of != of {
			err = fmt.Errorf("there is a checkpoint %s already, of another image", p.o.Name)
		}
		return r, err
	}
	return p.write(ctx, Record{Name: p.o.Name, Taken: p.o.Now().UTC(), Of: of}, from, func() error { return nil })
}

// begin puts a disk on an overlay on its promoted image. It is made where only root
// writes and then moved: in live/ others could lead the writing elsewhere.
func (p *promotion) begin(ctx context.Context, disk string, good GoodDisk) error {
	below, err := readImage(p.place.good(good.File))
	if err != nil {
		return err
	}
	whole := p.place.good(temporary + newID(p.o.Now()))
	defer os.Remove(whole)
	if err := (img{}).create(ctx, whole, below); err != nil {
		return err
	}
	if err := p.give(whole); err != nil {
		return err
	}
	name := newOverlay(disk, p.o.Now())
	if err := unix.Renameat2(unix.AT_FDCWD, whole, unix.AT_FDCWD, p.place.live(name), unix.RENAME_NOREPLACE); err != nil {
		return fmt.Errorf("cannot move the overlay of disk %s to %s (good/ and live/ must be of one file system): %w", disk, p.place.live(), err)
	}
	if err := syncDir(p.place.live(name)); err != nil {
		return err
	}
	return flip(p.place.live(disk), name)
}

// give gives an image the group of live/, by which QEMU and the agent may write it.
func (p *promotion) give(path string) error {
	info, err := os.Stat(p.place.live())
	if err != nil {
		return err
	}
	f, _, err := open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("cannot read the group of %s", p.place.live())
	}
	if err := errors.Join(f.Chown(-1, int(stat.Gid)), f.Chmod(shared), f.Sync()); err != nil {
		return fmt.Errorf("cannot make %s durable: %w", path, err)
	}
	return nil
}
