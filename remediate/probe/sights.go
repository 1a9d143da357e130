package probe

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"nightshift/remediate"
)

// Sights is where evidence is taken: this host, or a tree that looks like one.
type Sights struct {
	// FS is the root of the files read; [Root] if nil.
	FS fs.FS
	// Slice and Allocation are those of [MemoryOptions]; empty without a slice.
	Slice      string
	Allocation int64
}

// root is where files are read.
func (s Sights) root() fs.FS {
	if s.FS == nil {
		return Root()
	}
	return s.FS
}

// worthKnowing are the lines of proc_meminfo(5) that tell where memory went.
var worthKnowing = []string{
	"MemTotal:", "MemFree:", "MemAvailable:", "Buffers:", "Cached:", "Shmem:",
	"AnonPages:", "Slab:", "SReclaimable:", "SwapTotal:", "SwapFree:", "Committed_AS:",
}

// Memory answers [remediate.SeeMemory]: the machine's figures, those of the slice
// if there is one, and how long processes waited for memory.
func (s Sights) Memory(look remediate.Look) remediate.Evidence {
	seen := remediate.Evidence{Look: look}
	meminfo, err := fs.ReadFile(s.root(), "proc/meminfo")
	if err != nil {
		seen.Error = "cannot read the memory: " + err.Error()
		return seen
	}
	seen.Text = s.sliceLine() + s.pressure() + chosenLines(string(meminfo), worthKnowing)
	return seen
}

// sliceLine says how much the slice uses.
func (s Sights) sliceLine() string {
	if s.Slice == "" {
		return ""
	}
	used, err := sliceUsage(s.root(), s.Slice)
	if err != nil {
		return s.Slice + ": " + err.Error() + "\n"
	}
	share := percent(100 * float64(used) / float64(max(s.Allocation, 1)))
	return fmt.Sprintf("%s: %s of %s are in use (%s)\n", s.Slice, bytesOf(used), bytesOf(s.Allocation), share)
}

// pressure is the kernel's pressure stall information (psi.rst) about memory;
// nothing where the kernel has none.
func (s Sights) pressure() string {
	text, err := fs.ReadFile(s.root(), "proc/pressure/memory")
	if err != nil {
		return ""
	}
	var lines strings.Builder
	for line := range strings.Lines(string(text)) {
		lines.WriteString("pressure " + line)
	}
	return lines.String()
}

// chosenLines are the lines of a text that begin with one of the names.
func chosenLines(text string, names []string) string {
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if name, _, _ := strings.Cut(line, " "); slices.Contains(names, name) {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// process is what is told of one: never its arguments, they hold passwords.
type process struct {
	name, unit string
	resident   int64 // bytes
}

// defaultCount and maxCount bound a list of processes.
const (
	defaultCount = 20
	maxCount     = 100
)

// Processes answers [remediate.SeeProcesses]: the largest ones by resident size.
func (s Sights) Processes(ctx context.Context, look remediate.Look) remediate.Evidence {
	seen := remediate.Evidence{Look: look}
	found, err := s.processes(ctx)
	if err != nil {
		seen.Error = "cannot list the processes: " + err.Error()
		return seen
	}
	slices.SortStableFunc(found, func(a, b process) int { return cmp.Compare(b.resident, a.resident) })
	count := look.Count
	if count <= 0 {
		count = defaultCount
	}
	seen.Text = table(found[:min(count, maxCount, len(found))])
	return seen
}

// processes are those that have memory of their own. One that ends while it is
// looked at is left out.
func (s Sights) processes(ctx context.Context) ([]process, error) {
	entries, err := fs.ReadDir(s.root(), "proc")
	if err != nil {
		return nil, err
	}
	var found []process
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if p, ok := s.process(path.Join("proc", entry.Name())); ok {
			found = append(found, p)
		}
	}
	return found, nil
}

// process reads one: proc_pid_status(5) and proc_pid_cgroup(5). A kernel thread
// has no VmRSS.
func (s Sights) process(dir string) (process, bool) {
	status, err := fs.ReadFile(s.root(), path.Join(dir, "status"))
	if err != nil {
		return process{}, false
	}
	resident := field(string(status), "VmRSS:")
	if resident < 0 {
		return process{}, false
	}
	name, err := fs.ReadFile(s.root(), path.Join(dir, "comm"))
	if err != nil {
		return process{}, false
	}
	groups, _ := fs.ReadFile(s.root(), path.Join(dir, "cgroup"))
	return process{strings.TrimRight(string(name), "\n"), unitOf(string(groups)), resident << 10}, true
}

// unitOf is the unit that a process belongs to: the last service or scope on the
// path that systemd keeps for it, in version 2 or its own hierarchy of version 1.
func unitOf(groups string) string {
	for line := range strings.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 || parts[1] != "" && parts[1] != "name=systemd" {
			continue
		}
		for _, name := range slices.Backward(strings.Split(parts[2], "/")) {
			if strings.HasSuffix(name, ".service") || strings.HasSuffix(name, ".scope") {
				return name
			}
		}
	}
	return "-"
}

// table writes one process a line. A process chooses its own name: it is made
// printable, so that it forges no line.
func table(processes []process) string {
	var lines strings.Builder
	for _, p := range processes {
		fmt.Fprintf(&lines, "%10s  %-15s  %s\n", bytesOf(p.resident), remediate.Printable(p.name), remediate.Printable(p.unit))
	}
	return lines.String()
}
