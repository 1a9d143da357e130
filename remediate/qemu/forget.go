package qemu

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
)

// pruneCheckpoints removes live checkpoints beyond those that are kept. They go in the
// order in which they were made, which no clock decides, but for those that cannot: the
// newest, the last-known-good, and what another image lies on. Those are no error, since
// most checkpoints lie below what runs.
func (v *VM) pruneCheckpoints() (removed []string, err error) {
	c, err := v.place.catalogue()
	if err != nil || v.o.KeepCheckpoints <= 0 {
		return nil, err
	}
	good, _ := v.place.lastKnownGood() // without one there is none to spare
	excess := len(c.Checkpoints) - v.o.KeepCheckpoints
	var kept []error
	for n := 0; excess > 0 && n < len(c.Checkpoints)-1; n++ {
		f := c.Checkpoints[n]
		if f.Name == good {
			continue
		}
		switch err := v.forget(f); {
		case errors.Is(err, errNeeded):
		case err != nil:
			kept = append(kept, err)
		default:
			excess--
			removed = append(removed, "checkpoint "+f.Name)
		}
	}
	return removed, errors.Join(kept...)
}

// errNeeded: another image lies on it.
var errNeeded = errors.New("it is needed")

// forget removes a live checkpoint: first its files, so that who comes after a crash finds
// it named still, and ends that.
func (v *VM) forget(f frozen) error {
	files, err := v.removable(f)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := removeFile(v.place.live(file)); err != nil {
			return err
		}
	}
	v.o.Reached("forget.removed")
	c, err := v.place.catalogue()
	if err != nil {
		return err
	}
	c.Checkpoints = slices.DeleteFunc(c.Checkpoints, func(other frozen) bool { return other.Name == f.Name })
	return writeJSON(v.place.catalogueFile(), ours, c)
}

// removable are the files of a live checkpoint that are there, unless one of them is in
// use. What the record names is an overlay of the disk's, or nothing is removed.
func (v *VM) removable(f frozen) (files []string, err error) {
	used, err := v.place.inUse()
	if err != nil || used.lost != nil {
		return nil, errors.Join(err, used.lost)
	}
	for _, disk := range slices.Sorted(maps.Keys(f.Disks)) {
		file := f.Disks[disk].File
		path := v.place.live(file)
		on, err := v.place.current(disk)
		o, named := parseOverlay(file)
		switch {
		case err != nil:
			return nil, err
		case !named || o.disk != disk || o.aside != "":
			return nil, fmt.Errorf("cannot remove the checkpoint %s: it says that disk %s was on %q", f.Name, disk, file)
		case on == file || used.on(path) != nil:
			return nil, errNeeded
		}
		switch err := v.unread(path); {
		case errors.Is(err, fs.ErrNotExist): // its removal was begun before
		case err != nil:
			return nil, err
		default:
			files = append(files, file)
		}
	}
	return files, nil
}
