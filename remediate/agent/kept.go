package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// isKept returns an error that says why, unless all of a directory lies on disks
// with these serial numbers.
func isKept(sys, dir string, keep []string) error {
	device, err := deviceOf(dir)
	if err != nil {
		return err
	}
	serials, err := serialsOf(sys, device)
	if err != nil {
		return fmt.Errorf("cannot tell which disk %s lies on: %w", dir, err)
	}
	for _, serial := range serials {
		if !slices.Contains(keep, serial) {
			return fmt.Errorf("%s lies on the disk %q, and the host keeps %s: put it on one of these", dir, serial, named(keep))
		}
	}
	return nil
}

func named(keep []string) string {
	if len(keep) == 0 {
		return "none"
	}
	return strings.Join(keep, ", ")
}

// deviceOf is the device that a directory lies on, or will, as MAJOR:MINOR: that of
// the nearest directory above that is there.
func deviceOf(dir string) (string, error) {
	for {
		var stat unix.Stat_t
		err := unix.Stat(dir, &stat)
		if err == nil {
			return fmt.Sprintf("%d:%d", unix.Major(stat.Dev), unix.Minor(stat.Dev)), nil
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return "", fmt.Errorf("cannot tell which disk %s lies on: %w", dir, err)
		}
		dir = filepath.Dir(dir)
	}
}

// serialsOf are the serial numbers of the disks that a block device lies on.
func serialsOf(sys, device string) ([]string, error) {
	path, err := filepath.EvalSymlinks(filepath.Join(sys, "dev/block", device))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("its file system is on no block device of its own (tmpfs, overlay, btrfs …); mount a disk with ext4 or XFS there")
	}
	if err != nil {
		return nil, err
	}
	return serialsBelow(path, maxLayers)
}

// maxLayers bounds how deep device mapper and RAID may lie over each other: the
// kernel's own stack is no deeper by far.
const maxLayers = 8

// serialsBelow finds the disks below a device: a partition's is its parent, a
// mapped device's are its slaves.
func serialsBelow(path string, layers int) ([]string, error) {
	if layers == 0 {
		return nil, errors.New("too many devices lie over each other")
	}
	if _, err := os.Stat(filepath.Join(path, "partition")); err == nil {
		return serialsBelow(filepath.Dir(path), layers-1)
	}
	slaves, err := os.ReadDir(filepath.Join(path, "slaves"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(slaves) == 0 {
		serial, err := serialOf(path)
		return []string{serial}, err
	}
	var all []string
	for _, slave := range slaves {
		below, err := filepath.EvalSymlinks(filepath.Join(path, "slaves", slave.Name()))
		if err != nil {
			return nil, err
		}
		serials, err := serialsBelow(below, layers-1)
		if err != nil {
			return nil, err
		}
		all = append(all, serials...)
	}
	return all, nil
}

// pageHeader is the length of what stands before the number in a SCSI disk's vital
// product data (SPC-4, Unit Serial Number page).
const pageHeader = 4

// serialOf reads a disk's serial number where its driver shows it: virtio-blk beside
// it, NVMe beside its controller, SCSI as a page of its own.
func serialOf(disk string) (string, error) {
	for _, place := range []string{"serial", "device/serial"} {
		if text, err := os.ReadFile(filepath.Join(disk, place)); err == nil && len(text) > 0 {
			return strings.TrimSpace(string(text)), nil
		}
	}
	if page, err := os.ReadFile(filepath.Join(disk, "device/vpd_pg80")); err == nil && len(page) > pageHeader {
		return strings.TrimSpace(string(page[pageHeader:])), nil
	}
	return "", fmt.Errorf("the disk %s shows no serial number: give it one (serial= of QEMU's -device)", filepath.Base(disk))
}
