package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	// The site's slice, and the memory of the machine that it stands for.
	siteSlice  = "rave.slice"
	siteMemory = 2 << 30

	fakeProc     = "/run/rave/proc"
	realProc     = "/proc"
	meminfoPause = 500 * time.Millisecond
)

// passedOn are the files of /proc that the node exporter reads and that may be the
// real machine's.
var passedOn = []string{"loadavg", "uptime", "self", "1"}

// meminfo keeps a /proc in which memory and processors are the site's, as lxcfs does
// for containers: what the slice uses counts, but for files it could drop.
func meminfo(ctx context.Context) error {
	if err := os.MkdirAll(fakeProc, 0o755); err != nil {
		return err
	}
	for _, name := range passedOn {
		err := os.Symlink(filepath.Join(realProc, name), filepath.Join(fakeProc, name))
		if err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	if err := errors.Join(writeMeminfo(), writeStat(), writeVMStat()); err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	for tick := time.Tick(meminfoPause); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
		}
		if err := errors.Join(writeMeminfo(), writeStat(), writeVMStat()); err != nil {
			return err
		}
	}
}

// writeMeminfo says what the slice uses of the site's memory.
func writeMeminfo() error {
	used, reclaimable, err := sliceMemory()
	if err != nil {
		return err
	}
	free := max(siteMemory-used, 0)
	available := min(free+reclaimable, siteMemory)
	text := fmt.Sprintf("MemTotal: %d kB\nMemFree: %d kB\nMemAvailable: %d kB\nCached: %d kB\nBuffers: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
		siteMemory>>10, free>>10, available>>10, reclaimable>>10)
	return replace("meminfo", text)
}

// replace writes a file of the /proc whole, so that no reader sees half of one.
func replace(name, text string) error {
	partial := filepath.Join(fakeProc, "."+name)
	if err := os.WriteFile(partial, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(partial, filepath.Join(fakeProc, name))
}

// sliceMemory reads what the slice uses, and how much of that is page cache,
// in bytes, from the memory controller of version 1 or 2. A slice that does
// not exist uses nothing.
func sliceMemory() (used, reclaimable int64, err error) {
	group, usage, prefix := "/sys/fs/cgroup/memory/"+siteSlice, "memory.usage_in_bytes", "total_"
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		group, usage, prefix = "/sys/fs/cgroup/"+siteSlice, "memory.current", ""
	}
	text, err := os.ReadFile(filepath.Join(group, usage))
	if errors.Is(err, os.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	if used, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err != nil {
		return 0, 0, err
	}
	stat, err := os.ReadFile(filepath.Join(group, "memory.stat"))
	if err != nil {
		return 0, 0, err
	}
	return used, sumOf(string(stat), prefix+"inactive_file", prefix+"active_file"), nil
}

// sumOf adds up the named values of a "name value" file.
func sumOf(stat string, names ...string) int64 {
	var sum int64
	for line := range strings.Lines(stat) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, name := range names {
			if key == name {
				n, _ := strconv.ParseInt(value, 10, 64)
				sum += n
			}
		}
	}
	return sum
}
