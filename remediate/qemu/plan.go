package qemu

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// exchange is a swap as it is written before it is begun, and removed at its end: who
// finds it goes forward.
type exchange struct {
	Begun time.Time `json:"begun"`
	// Image is the digest of what is put in place, Stamp the mark of what is put aside.
	Image string `json:"image"`
	Stamp string `json:"stamp"`
	// Flipping is set once all that is put in place is there: from then on there is no
	// way back but another swap.
	Flipping bool            `json:"flipping,omitzero"`
	Disks    map[string]move `json:"disks"`
}

// move is one disk's part of it.
type move struct {
	Old string `json:"old"` // what it is on, a name in live/
	New string `json:"new"` // what it will be on
	put
}

// exchange reads the one under way, if there is one.
func (p place) exchange() (x exchange, there bool, err error) {
	err = p.who.readJSON(p.plan(), &x)
	if errors.Is(err, fs.ErrNotExist) {
		return x, false, nil
	}
	if err == nil {
		err = x.check()
	}
	return x, err == nil, err
}

// check refuses names that lead elsewhere.
func (x exchange) check() error {
	for disk, m := range x.Disks {
		for _, name := range []string{m.Old, m.New} {
			if o, ok := parseOverlay(name); !ok || o.disk != disk || o.aside != "" {
				return fmt.Errorf("cannot use the plan of a swap: %q is no overlay of disk %s", name, disk)
			}
		}
	}
	return nil
}

// on is what the disks are on before it, and into what they are on after it.
func (x exchange) on() map[string]string   { return x.names(func(m move) string { return m.Old }) }
func (x exchange) into() map[string]string { return x.names(func(m move) string { return m.New }) }

func (x exchange) names(of func(move) string) map[string]string {
	names := map[string]string{}
	for disk, m := range x.Disks {
		names[disk] = of(m)
	}
	return names
}

func (x exchange) sorted() []string { return slices.Sorted(maps.Keys(x.Disks)) }

// forward does what is left of an exchange, each part of which can be done again.
func (v *VM) forward(ctx context.Context, x exchange) error {
	if !x.Flipping {
		if err := v.prepare(ctx, x); err != nil {
			return err
		}
		x.Flipping = true
		if err := writeJSON(v.place.plan(), ours, x); err != nil {
			return err
		}
		v.o.Reached("swap.prepared")
	}
	for _, disk := range x.sorted() {
		if err := v.putInPlace(disk, x.Disks[disk]); err != nil {
			return err
		}
		v.o.Reached("swap.flipped")
	}
	for _, disk := range x.sorted() {
		if err := v.putAside(x.Disks[disk].Old, x.Stamp); err != nil {
			return err
		}
		v.o.Reached("swap.aside")
	}
	return removeFile(v.place.plan())
}

// prepare makes the overlays that are put in place, and checks those that there are.
func (v *VM) prepare(ctx context.Context, x exchange) error {
	for _, disk := range x.sorted() {
		m := x.Disks[disk]
		if m.Back != "" {
			// Whatever lies on it would be spoiled by a guest that writes to it.
			if err := v.place.unused(v.place.live(m.Back)); err != nil {
				return err
			}
			if err := (img{}).check(ctx, v.place.live(m.Back)); err != nil {
				return err
			}
			continue
		}
		below, err := v.place.room(m.On)
		if err != nil {
			return err
		}
		if !exists(v.place.live(m.New)) {
			if err := v.make(ctx, v.place.live(m.New), below[0]); err != nil {
				return err
			}
		}
		if err := v.made(ctx, m); err != nil {
			return err
		}
		v.o.Reached("swap.made")
	}
	return nil
}

// made looks, by QEMU's own eyes, whether a new overlay lies on what it should.
func (v *VM) made(ctx context.Context, m move) error {
	info, err := img{}.info(ctx, v.place.live(m.New))
	if err != nil {
		return err
	}
	if info.Format != "qcow2" || info.Backing != m.On {
		return fmt.Errorf("cannot use the overlay %s: it is %s on %s; expected qcow2 on %s", v.place.live(m.New), info.Format, info.Backing, m.On)
	}
	return img{}.check(ctx, v.place.live(m.New))
}

// putInPlace points a disk's symlink to what it is to be on.
func (v *VM) putInPlace(disk string, m move) error {
	if m.Back != "" && m.Back != m.New && exists(v.place.live(m.Back)) {
		if err := v.place.unused(v.place.live(m.Back)); err != nil {
			return err
		}
		if err := rename(v.place.live(), m.Back, m.New); err != nil {
			return err
		}
	}
	on, err := v.place.current(disk)
	switch {
	case err != nil:
		return err
	case on == m.New:
		return nil
	case on != m.Old:
		return fmt.Errorf("cannot put %s in place: disk %s is on %s; expected %s", m.New, disk, on, m.Old)
	}
	return flip(v.place.live(disk), m.New)
}

// putAside renames what a disk was on.
func (v *VM) putAside(name, stamp string) error {
	if !exists(v.place.live(name)) {
		return nil // it was already
	}
	if err := v.place.unused(v.place.live(name)); err != nil {
		return err
	}
	o, _ := parseOverlay(name)
	o.aside = stamp
	return rename(v.place.live(), name, o.String())
}

// abandon takes an exchange back of which no disk was touched.
func (v *VM) abandon(x exchange) error {
	for _, disk := range x.sorted() {
		if m := x.Disks[disk]; m.On != "" {
			if err := v.discard(m.New); err != nil {
				return err
			}
		}
	}
	return removeFile(v.place.plan())
}

// conclude brings an exchange to its end that was left in the middle, so that the disks
// fit each other: forward once the first of them may have been touched, else back.
func (v *VM) conclude(ctx context.Context) error {
	x, there, err := v.place.exchange()
	switch {
	case err != nil || !there:
		return err
	case x.Flipping:
		return v.forward(ctx, x)
	}
	return v.abandon(x)
}
