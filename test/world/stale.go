package world

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// claim makes a world's directory and locks it, and removes the directories
// of worlds whose keepers are dead: those whose lock can be had.
func claim(c cache, tool string) (dir string, lock *os.File, err error) {
	gate, err := c.lock("worlds.lock")
	if err != nil {
		return "", nil, err
	}
	defer gate.Close()
	sweepStale(c, tool)
	if dir, err = os.MkdirTemp(c.path("worlds"), ""); err != nil {
		return "", nil, fmt.Errorf("cannot make a directory for the world: %w", err)
	}
	lock, err = c.lock(filepath.Join("worlds", filepath.Base(dir), "lock"))
	return dir, lock, err
}

// sweepStale is called with the gate locked, so that no directory is seen
// between being made and being locked.
func sweepStale(c cache, tool string) {
	dirs, _ := filepath.Glob(c.path("worlds", "*"))
	for _, dir := range dirs {
		lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			continue
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = exec.Command(tool, "sweep", dir).Run()
		}
		lock.Close()
	}
}
