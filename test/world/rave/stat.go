package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// hertz is USER_HZ, in which proc(5) counts the time of processors.
const hertz = 100

// writeStat is the machine's /proc/stat in which the processors have done what the
// slice had them do, and nothing else.
func writeStat() error {
	real, err := os.ReadFile(filepath.Join(realProc, "stat"))
	if err != nil {
		return err
	}
	uptime, err := os.ReadFile(filepath.Join(realProc, "uptime"))
	if err != nil {
		return err
	}
	var up float64
	if _, err := fmt.Sscan(string(uptime), &up); err != nil {
		return fmt.Errorf("cannot read for how long the machine has run: %w", err)
	}
	used, err := sliceTime()
	if err != nil {
		return err
	}
	return replace("stat", statOf(string(real), runtime.NumCPU(), up, used))
}

// statOf has the lines of the processors replaced: they share the work evenly, and all
// of it is the user's.
func statOf(real string, processors int, up float64, used time.Duration) string {
	var b strings.Builder
	all := int64(up * hertz)
	each := min(int64(used.Seconds()*hertz)/int64(processors), all)
	line := func(name string, n int64) { fmt.Fprintf(&b, "%s %d 0 0 %d 0 0 0 0 0 0\n", name, n*each, n*(all-each)) }
	line("cpu ", int64(processors))
	for n := range processors {
		line(fmt.Sprintf("cpu%d", n), 1)
	}
	for text := range strings.Lines(real) {
		if !strings.HasPrefix(text, "cpu") {
			b.WriteString(text)
		}
	}
	return b.String()
}

// sliceTime is the time of processors that the slice has used. Version 2 of control
// groups counts it in each group, also where it has no controller and stands beside
// version 1 (Documentation/admin-guide/cgroup-v2.rst, cpu.stat). A slice that does not
// exist used none.
func sliceTime() (time.Duration, error) {
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		text, err := os.ReadFile(filepath.Join(root, siteSlice, "cpu.stat"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		return usage(string(text))
	}
	return 0, nil
}

func usage(stat string) (time.Duration, error) {
	for line := range strings.Lines(stat) {
		var micros int64
		if _, err := fmt.Sscanf(line, "usage_usec %d", &micros); err == nil {
			return time.Duration(micros) * time.Microsecond, nil
		}
	}
	return 0, fmt.Errorf("cannot find usage_usec in cpu.stat of %s", siteSlice)
}
