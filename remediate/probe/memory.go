package probe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"nightshift/remediate"
)

// MemoryOptions say whose memory is looked at, and how much of it may be in use.
type MemoryOptions struct {
	Name string
	// Slice is a slice of systemd; empty for the whole machine.
	Slice string
	// Allocation is what the slice was given, in bytes.
	Allocation int64
	// MaxPercent is the greatest healthy share in use.
	MaxPercent float64
	Timeout    time.Duration
	// FS is the root of the files read, of proc and sys; [Root] if nil.
	FS fs.FS
}

// Root is the file system of this host.
func Root() fs.FS { return os.DirFS("/") }

// Memory holds what is in use against what there is.
type Memory struct{ o MemoryOptions }

// NewMemory makes a probe of the memory.
func NewMemory(o MemoryOptions) *Memory {
	if o.FS == nil {
		o.FS = Root()
	}
	return &Memory{o}
}

// Probe reads once.
func (m *Memory) Probe(ctx context.Context) remediate.Observation {
	return ask(ctx, m.o.Name, m.o.Timeout, func(context.Context) answer {
		used, total, err := m.usage()
		if err != nil {
			return unknown("cannot read the memory: %v", err)
		}
		share := 100 * float64(used) / float64(total)
		seen := fmt.Sprintf("%s of %s are in use (%s)", bytesOf(used), bytesOf(total), percent(share))
		if share > m.o.MaxPercent {
			return unhealthy("%s, expected at most %s", seen, percent(m.o.MaxPercent))
		}
		return healthy("%s", seen)
	})
}

// usage is what is in use and what there is, in bytes.
func (m *Memory) usage() (used, total int64, err error) {
	if m.o.Slice == "" {
		return hostUsage(m.o.FS)
	}
	used, err = sliceUsage(m.o.FS, m.o.Slice)
	if err == nil && m.o.Allocation <= 0 {
		err = errors.New("nothing says what " + m.o.Slice + " was given")
	}
	return used, m.o.Allocation, err
}

// hostUsage is MemTotal less MemAvailable of proc_meminfo(5): the kernel's own
// estimate of what could be had without swapping.
func hostUsage(root fs.FS) (used, total int64, err error) {
	text, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0, 0, err
	}
	total, available := field(string(text), "MemTotal:")<<10, field(string(text), "MemAvailable:")<<10
	if total <= 0 || available < 0 {
		return 0, 0, errors.New("/proc/meminfo has no MemTotal or MemAvailable")
	}
	return max(total-available, 0), total, nil
}

// field is the number that follows a name at the begin of a line, -1 if there is
// none. The files of the kernel that are read here all look like that.
func field(text, name string) int64 {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != name {
			continue
		}
		if n, err := strconv.ParseInt(words[1], 10, 64); err == nil {
			return n
		}
	}
	return -1
}

// cgroup names the files of a group's memory in one version of control groups.
type cgroup struct{ root, current, inactive string }

// cgroups are both versions: cgroup-v2.rst, and cgroup-v1/memory.rst of the
// kernel, whose figures with total_ hold the groups below too. A host with both
// mounted accounts memory in version 1.
var cgroups = []cgroup{
	{"sys/fs/cgroup/memory", "memory.usage_in_bytes", "total_inactive_file"},
	{"sys/fs/cgroup", "memory.current", "inactive_file"},
}

// sliceUsage is what a slice's processes use, in bytes, less the page cache that
// the kernel would drop first: what kubelet and node exporter's readers call the
// working set.
func sliceUsage(root fs.FS, slice string) (int64, error) {
	for _, version := range cgroups {
		dir := path.Join(version.root, slicePath(slice))
		current, err := fs.ReadFile(root, path.Join(dir, version.current))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		used, err := strconv.ParseInt(strings.TrimSpace(string(current)), 10, 64)
		if err != nil {
			return 0, err
		}
		stat, err := fs.ReadFile(root, path.Join(dir, "memory.stat"))
		if err != nil {
			return 0, err
		}
		return max(used-max(field(string(stat), version.inactive), 0), 0), nil
	}
	return 0, errors.New("there is no control group of " + slice)
}

// slicePath is where a slice lies among the control groups: each - of its name
// goes down by one, so that a-b.slice is a.slice/a-b.slice (systemd.slice(5)).
func slicePath(slice string) string {
	stem := strings.TrimSuffix(slice, ".slice")
	if stem == "-" {
		return "."
	}
	var parts []string
	for i, letter := range stem {
		if letter == '-' {
			parts = append(parts, stem[:i]+".slice")
		}
	}
	return path.Join(append(parts, slice)...)
}

// bytesOf writes a number of bytes as people read it.
func bytesOf(n int64) string {
	const unit = 1024
	value, suffix := float64(n), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value < unit {
			break
		}
		value, suffix = value/unit, next
	}
	return strconv.FormatFloat(value, 'f', digits(suffix), 64) + " " + suffix
}

// digits after the point are for what is not counted in single bytes.
func digits(suffix string) int {
	if suffix == "B" {
		return 0
	}
	return 1
}

func percent(share float64) string { return strconv.FormatFloat(share, 'f', 1, 64) + " %" }
