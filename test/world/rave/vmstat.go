package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// writeVMStat is the machine's /proc/vmstat in which the kernel has killed for want of
// memory what it killed of the slice, and nothing else.
func writeVMStat() error {
	real, err := os.ReadFile(filepath.Join(realProc, "vmstat"))
	if err != nil {
		return err
	}
	kills, err := sliceKills()
	if err != nil {
		return err
	}
	return replace("vmstat", vmstatOf(string(real), kills))
}

func vmstatOf(real string, kills int64) string {
	var b strings.Builder
	for line := range strings.Lines(real) {
		if strings.HasPrefix(line, "oom_kill ") {
			line = fmt.Sprintf("oom_kill %d\n", kills)
		}
		b.WriteString(line)
	}
	return b.String()
}

// sliceKills is how many processes the kernel has killed of the slice's groups that are
// there now. Version 1 counts in each group for itself, version 2 with all below it.
func sliceKills() (kills int64, err error) {
	if text, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", siteSlice, "memory.events")); err == nil {
		return sumOf(string(text), "oom_kill"), nil
	}
	err = filepath.WalkDir(filepath.Join("/sys/fs/cgroup/memory", siteSlice), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "memory.oom_control" {
			var text []byte
			text, err = os.ReadFile(path)
			kills += sumOf(string(text), "oom_kill")
		}
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) {
			return nil // a group that has just ended
		}
		return err
	})
	return kills, err
}
