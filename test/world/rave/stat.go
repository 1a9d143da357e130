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
	used, err := sliceTime("cpu.stat", "usage_usec ")
	if err != nil {
		return err
	}
	// What others of this machine took meanwhile is as if a hypervisor had: no time to
	// spare.
	waited, err := sliceTime("cpu.pressure", "total=")
	if err != nil {
		return err
	}
	text := statOf(string(real), runtime.NumCPU(), up, used, waited)
	return errors.Join(replace("stat", text), overwrite(agentStat, processorsOf(text)))
}

// agentStat is what the agent has in the place of its machine's /proc/stat. It must be
// the same file for ever.
const agentStat = "/run/rave/stat"

// processorsOf are the lines of the processors, of which each has the same length at any
// time: so they are written over each other at once.
func processorsOf(stat string) string {
	const width = 255
	var b strings.Builder
	for line := range strings.Lines(stat) {
		if strings.HasPrefix(line, "cpu") {
			fmt.Fprintf(&b, "%-*s\n", width, strings.TrimSpace(line))
		}
	}
	return b.String()
}

// overwrite writes a file in its place, which is as long as before.
func overwrite(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteAt([]byte(text), 0)
	return errors.Join(err, file.Close())
}

// statOf has the lines of the processors replaced: they share the work evenly, and all
// of it is the user's.
func statOf(real string, processors int, up float64, used, waited time.Duration) string {
	var b strings.Builder
	share := func(d time.Duration) int64 { return int64(d.Seconds()*hertz) / int64(processors) }
	all := int64(up * hertz)
	busy := min(share(used), all)
	stolen := min(share(waited), all-busy)
	line := func(name string, n int64) {
		fmt.Fprintf(&b, "%s %d 0 0 %d 0 0 0 %d 0 0\n", name, n*busy, n*(all-busy-stolen), n*stolen)
	}
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

// sliceTime is a time that version 2 of control groups counts for the slice, also where
// it has no controller and stands beside version 1: what it used (cpu.stat of
// Documentation/admin-guide/cgroup-v2.rst), or in which something of it had to wait
// (Documentation/accounting/psi.rst). A slice that does not exist has none.
func sliceTime(file, key string) (time.Duration, error) {
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		text, err := os.ReadFile(filepath.Join(root, siteSlice, file))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, errors.ErrUnsupported) {
			continue
		}
		if err != nil {
			return 0, err
		}
		return microseconds(string(text), key)
	}
	return 0, nil
}

// microseconds is the number behind a key, on the first line that has it.
func microseconds(text, key string) (time.Duration, error) {
	var micros int64
	_, value, _ := strings.Cut(text, key)
	if _, err := fmt.Sscan(value, &micros); err != nil {
		return 0, fmt.Errorf("cannot find a number behind %q in %q", key, text)
	}
	return time.Duration(micros) * time.Microsecond, nil
}
