package qemu

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Prune removes what swaps put aside, and live checkpoints, beyond what the inventory
// keeps, and says which files those were; the error is of what could not be removed. It
// never removes the newest of either, one that another image lies on, that a checkpoint
// names or that a QEMU has open, nor anything while a swap is under way. What a crash
// left half-written goes too.
func (v *VM) Prune(ctx context.Context) (removed []string, err error) {
	release, err := v.alone(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := v.noExchange(); err != nil {
		return nil, fmt.Errorf("cannot remove what is kept no longer: %w", err)
	}
	swept := sweep(v.place.live())
	asides, asideErr := v.pruneAsides()
	checkpoints, checkpointErr := v.pruneCheckpoints()
	return append(asides, checkpoints...), errors.Join(swept, asideErr, checkpointErr)
}

// pruneAsides begins with the oldest.
func (v *VM) pruneAsides() (removed []string, err error) {
	all, err := v.place.asides()
	if err != nil {
		return nil, err
	}
	var kept []error
	for n := len(all) - 1; n > 0; n-- {
		tooMany := v.o.KeepAside.Count > 0 && n >= v.o.KeepAside.Count
		if !tooMany && !v.ages(all[n]) {
			continue
		}
		names, err := v.removeAside(all[n])
		if len(names) > 0 && !tooMany {
			v.aged.last = v.o.Up()
		}
		removed, kept = append(removed, names...), append(kept, err)
	}
	return removed, errors.Join(kept...)
}

// agesEvery is how often something is removed for its age. A clock that jumps ahead, or
// is wrong from the boot on, makes everything old at once: so age removes one a day, by
// a clock that nobody sets, and none on the first day of an agent. Until all but the
// newest were gone people have as many days to see what time it is there.
const agesEvery = 24 * time.Hour

// aged is when, by [Options.Up], something was last removed for its age, or the agent
// began to look. It is held by who changes disks.
type aged struct{ last time.Duration }

// ages reports whether something may be removed for its age now.
func (v *VM) ages(a aside) bool {
	at, err := time.Parse(stampLayout, a.stamp)
	old := err == nil && v.o.KeepAside.Age > 0 && v.o.Now().Sub(at) > v.o.KeepAside.Age
	return old && v.o.Up()-v.aged.last >= agesEvery
}

// removeAside removes the disks that were put aside together.
func (v *VM) removeAside(a aside) (removed []string, err error) {
	var kept []error
	for _, disk := range v.goBack() {
		name := a.disks[disk]
		if name == "" {
			continue
		}
		if err := v.removeDisk(name); err != nil {
			kept = append(kept, err)
			continue
		}
		removed = append(removed, name)
	}
	return removed, errors.Join(kept...)
}

func (v *VM) removeDisk(name string) error {
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
	if err := v.unread(path); err != nil {
		return err
	}
	if err := v.place.needless(path); err != nil {
		return err
	}
	return removeFile(path)
}

// unread refuses an image that a QEMU has open.
func (v *VM) unread(path string) error {
	if open, _, err := opened(path); err != nil || open {
		return errors.Join(fmt.Errorf("cannot remove %s: a QEMU has it open", path), err)
	}
	return nil
}
