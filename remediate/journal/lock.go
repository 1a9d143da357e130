package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lockDir keeps a second agent out of the state directory. The lock goes with
// the process, however it ends: flock(2).
func lockDir(dir string) (*os.File, error) {
	name := filepath.Join(dir, "lock")
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the state directory: %w", err)
	}
	if err := flock(file); err != nil {
		return nil, errors.Join(lockError(dir, file, err), file.Close())
	}
	if err := errors.Join(file.Truncate(0), writeAt(file, fmt.Sprintf("%d\n", os.Getpid()))); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot lock the state directory: %w", err), file.Close())
	}
	return file, nil
}

// A reader that asks whether the agent runs holds the lock for a moment, so a
// lock that is held is tried again for a while.
const (
	lockTries = 20
	lockWait  = 25 * time.Millisecond
)

func flock(file *os.File) error {
	for try := 1; ; try++ {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || try == lockTries {
			return err
		}
		time.Sleep(lockWait)
	}
}

func writeAt(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

// lockError names the process that has the lock.
func lockError(dir string, file *os.File, err error) error {
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("cannot lock the state directory: %w", err)
	}
	pid := make([]byte, 20)
	n, _ := file.ReadAt(pid, 0)
	return fmt.Errorf("cannot use the state directory %s: %w (process %s has its lock)",
		dir, ErrFenced, strings.TrimSpace(string(pid[:n])))
}
