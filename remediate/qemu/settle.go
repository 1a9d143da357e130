package qemu

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"nightshift/remediate/qemu/qmp"
)

// settle brings in order what a checkpoint left that ended in the middle, by what the
// hold says of it. A hold that is not ours is left alone, and is an error.
func (v *VM) settle(ctx context.Context) error {
	h, there, err := v.place.readHold()
	switch {
	case err != nil:
		return err
	case !there || h.by == heldDown:
		return nil
	case h.by != heldCheckpoint:
		return fmt.Errorf("somebody else holds the VM: remove %s to let it start", v.place.holdFile())
	}
	_, err = v.complete(ctx, h)
	return err
}

// complete brings a checkpoint to its end, and reports whether it was taken.
func (v *VM) complete(ctx context.Context, h held) (taken bool, err error) {
	taken, err = v.adopt(ctx, h)
	if err != nil {
		return false, err
	}
	v.o.Reached("checkpoint.flipped")
	if taken {
		files := map[string]string{}
		for _, c := range h.changes {
			files[c.disk] = c.from
		}
		if err := v.place.enter(h.name, h.since, h.grade, files); err != nil {
			return false, err
		}
		v.o.Reached("checkpoint.entered")
	}
	return taken, v.place.release()
}

// adopt makes the links follow what a checkpoint under way has come to, and reports
// whether all of its overlays are in use. A QEMU that runs has the overlay in use open for
// writing. Once it has ended the new overlay is right either way: either it holds what
// was written last, or it is empty and lies on that. Only a new overlay that QEMU was
// never given is removed.
func (v *VM) adopt(ctx context.Context, h held) (inUse bool, err error) {
	taken := map[string]bool{}
	for _, c := range h.changes {
		if taken[c.disk], err = v.over(c); err != nil {
			return false, err
		}
	}
	inUse = len(taken) > 0
	for _, c := range h.changes {
		inUse = inUse && taken[c.disk]
		switch on, err := v.place.current(c.disk); {
		case err != nil:
			return false, err
		case taken[c.disk] && on == c.from:
			if err := flip(v.place.live(c.disk), c.to); err != nil {
				return false, err
			}
		case !taken[c.disk] && on != c.to:
			if err := v.unadopted(ctx, c.to); err != nil {
				return false, err
			}
		}
	}
	return inUse, nil
}

// unadopted removes a new overlay that is not in use. A QEMU that has it open by itself
// is told to close it.
func (v *VM) unadopted(ctx context.Context, name string) error {
	if open, _, _ := opened(v.place.live(name)); open {
		err := v.monitor(ctx, func(ctx context.Context, c *qmp.Conn) error { return c.RemoveNode(ctx, nodeName(name)) })
		if err != nil {
			return fmt.Errorf("cannot have QEMU close %s: %w", v.place.live(name), err)
		}
	}
	return v.discard(name)
}

// over reports whether the new overlay of a change is the one in use.
func (v *VM) over(c change) (bool, error) {
	if on, err := v.place.current(c.disk); err != nil || on == c.to {
		return err == nil, err
	}
	fresh, err := readImage(v.place.live(c.to))
	switch {
	case errors.Is(err, fs.ErrNotExist): // never finished, so never used
		return false, nil
	case err != nil:
		return false, err
	case fresh.Backing != v.place.live(c.from):
		return false, fmt.Errorf("cannot use the overlay %s: it lies on %s; expected %s", fresh.Path, fresh.Backing, v.place.live(c.from))
	}
	_, written, err := opened(v.place.live(c.from))
	if err != nil {
		return false, fmt.Errorf("cannot tell which image of disk %s is in use: %w", c.disk, err)
	}
	return !written, nil
}

// discard removes an overlay of ours that nothing was ever run on. It must not be what
// a disk is on, be open, or have anything on it.
func (v *VM) discard(name string) error {
	path := v.place.live(name)
	o, ok := parseOverlay(name)
	if !ok || !exists(path) {
		return nil
	}
	if on, err := v.place.current(o.disk); err != nil || on == name {
		return errors.Join(fmt.Errorf("cannot remove %s: disk %s is on it", path, o.disk), err)
	}
	if open, _, err := opened(path); err != nil || open {
		return errors.Join(fmt.Errorf("cannot remove %s: a QEMU has it open", path), err)
	}
	if err := v.place.unused(path); err != nil {
		return err
	}
	return removeFile(path)
}

// make makes an overlay on an image. It has its name only once it is whole. (A check of
// it would open what it lies on, which a QEMU may be writing to.)
func (v *VM) make(ctx context.Context, path string, below image) error {
	whole := filepath.Join(filepath.Dir(path), temporary+newID(v.o.Now()))
	err := img{}.create(ctx, whole, below)
	if err == nil {
		err = share(whole)
	}
	if err == nil {
		err = rename(filepath.Dir(path), filepath.Base(whole), filepath.Base(path))
	}
	if err != nil {
		_ = os.Remove(whole)
	}
	return err
}

// share gives an image the mode by which QEMU, of the same group, may write it, and
// makes it durable but for its name.
func share(path string) error {
	f, _, err := open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := errors.Join(f.Chmod(shared), f.Sync()); err != nil {
		return fmt.Errorf("cannot make %s durable: %w", path, err)
	}
	return nil
}
