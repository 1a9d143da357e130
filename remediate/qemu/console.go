package qemu

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// consoleLog is what QEMU writes the serial console to, in live/ and in live/proof/.
const consoleLog = "console.log"

// What is kept of it, once it takes more than consoleMost: the end, in bytes.
const (
	consoleMost = 16 << 20
	consoleKept = 1 << 20
)

// TrimConsole gives back the room that the serial console takes: a guest can write to
// it for ever, as fast as the disk is. The file keeps its length, so that QEMU writes
// on at its end; what is given back reads as zeros.
func (v *VM) TrimConsole() error {
	return errors.Join(trim(v.place.live(consoleLog)), trim(v.place.live("proof", consoleLog)))
}

// trim punches a hole from the begin of a file: fallocate(2).
func trim(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && min(takes(info), info.Size()) <= consoleMost {
		return nil
	}
	var f *os.File
	if err == nil {
		f, err = os.OpenFile(path, os.O_WRONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	}
	if err != nil {
		return fmt.Errorf("cannot trim %s: %w", path, err)
	}
	defer f.Close()
	err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, info.Size()-consoleKept)
	if err != nil {
		return fmt.Errorf("cannot trim %s: %w", path, err)
	}
	return nil
}
