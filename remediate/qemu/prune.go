package qemu

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Prune removes what swaps put aside beyond what the inventory keeps, and says which
// files those were; the error is of what could not be removed. It never removes the newest, one that another image lies on, that a
// checkpoint names or that a QEMU has open, nor anything while a swap is under way. What
// a crash left half-written goes too.
func (v *VM) Prune(ctx context.Context) (removed []string, err error) {
	release, err := v.alone(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	all, err := v.place.asides()
	if err == nil {
		err = v.noExchange()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot remove what was put aside: %w", err)
	}
	kept := []error{sweep(v.place.live())}
	for n, a := range all {
		if n == 0 || !v.outlived(n, a) {
			continue
		}
		for _, disk := range v.goBack() {
			if name := a.disks[disk]; name != "" {
				if err := v.removeAside(name); err != nil {
					kept = append(kept, err)
					continue
				}
				removed = append(removed, name)
			}
		}
	}
	return removed, errors.Join(kept...)
}

// outlived reports whether the nth newest is beyond what is kept.
func (v *VM) outlived(n int, a aside) bool {
	at, err := time.Parse(stampLayout, a.stamp)
	keep := v.o.KeepAside
	return keep.Count > 0 && n >= keep.Count || err == nil && keep.Age > 0 && v.o.Now().Sub(at) > keep.Age
}

func (v *VM) removeAside(name string) error {
	path := v.place.live(name)
	c, err := v.place.catalogue()
	if err != nil {
		return err
	}
	named := slices.ContainsFunc(c.Checkpoints, func(f frozen) bool {
		for _, i := range f.Disks {
			if i.File == inUseName(name) {
				return true
			}
		}
		return false
	})
	if named {
		return fmt.Errorf("cannot remove %s: a checkpoint is made of it", path)
	}
	if open, _, err := opened(path); err != nil || open {
		return errors.Join(fmt.Errorf("cannot remove %s: a QEMU has it open", path), err)
	}
	if err := v.place.needless(path); err != nil {
		return err
	}
	return removeFile(path)
}
