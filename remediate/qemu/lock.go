package qemu

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// QEMU locks the images that it has open by OFD locks of single bytes: from byte
// 100 on one for each permission that it uses (100 to read, 101 to write), from 200
// on one for each that it grants to nobody else (raw_apply_lock_bytes in QEMU's
// block/file-posix.c; measured with 7.2).
const (
	lockWrite   = 101
	lockHighest = 299
)

// opened reports whether a QEMU has an image open, and whether to write to it. It
// asks the kernel, so a QEMU that hangs is seen too.
func opened(path string) (open, writing bool, err error) {
	f, info, err := openAny(path)
	if err != nil {
		return false, false, err
	}
	defer f.Close()
	if open, err = locked(f, 0, lockHighest); err == nil {
		writing, err = locked(f, lockWrite, 1)
	}
	if err != nil {
		return false, false, fmt.Errorf("cannot read the locks of %s: %w", info, err)
	}
	return open, writing, nil
}

// openAny opens what a path leads to, to ask for its locks.
func openAny(path string) (*os.File, string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, "", err
	}
	f, _, err := open(real)
	return f, real, err
}

// locked reports whether any lock of some bytes keeps us from a lock of our own:
// F_OFD_GETLK, fcntl(2).
func locked(f *os.File, from, length int64) (bool, error) {
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: 0, Start: from, Len: length}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock); err != nil {
		return false, err
	}
	return lock.Type != unix.F_UNLCK, nil
}
