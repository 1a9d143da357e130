package probe

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// tick is USER_HZ, in which the kernel counts for users on every architecture
// that Go runs on: 100 a second (proc_stat(5), sysconf(3)).
const tick = 100

// processors is how much time all processors of this host were busy since it
// booted, in seconds, and how many they are. What a hypervisor kept for others
// (steal) was not this host's.
func processors(root fs.FS) (busy float64, count int, err error) {
	text, err := fs.ReadFile(root, "proc/stat")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) < 8 || !strings.HasPrefix(words[0], "cpu"):
		case words[0] == "cpu":
			for _, n := range []int{1, 2, 3, 6, 7} { // user, nice, system, irq, softirq
				value, err := strconv.ParseFloat(words[n], 64)
				if err != nil {
					return 0, 0, err
				}
				busy += value / tick
			}
		default:
			count++
		}
	}
	if count == 0 {
		return 0, 0, errors.New("/proc/stat names no processor")
	}
	return busy, count, nil
}

// cpuHierarchies are where the time of groups is accounted, each with its unit in
// a second: cpuacct.rst of version 1, cpu.stat of cgroup-v2.rst.
var cpuHierarchies = []struct {
	counted
	second float64
}{
	{counted{"sys/fs/cgroup/cpuacct", "cpuacct.usage", ""}, 1e9},
	{counted{"sys/fs/cgroup/cpu,cpuacct", "cpuacct.usage", ""}, 1e9},
	{counted{"sys/fs/cgroup", "cpu.stat", "usage_usec"}, 1e6},
}

// cpuTime is how much time of the processors a service or slice has used, in
// seconds. Where the kernel does not account it, its processes are added up: one
// that has ended is missing then.
func cpuTime(root fs.FS, of string) (float64, error) {
	for _, version := range cpuHierarchies {
		dir, err := groupDir(root, version.hierarchy, of)
		if err != nil {
			continue
		}
		if used, err := version.read(root, dir); err == nil {
			return used / version.second, nil
		}
	}
	return timeOfProcesses(root, of)
}

// timeOfUnits is that of every unit of the system.
func timeOfUnits(root fs.FS) (map[string]float64, error) {
	for _, version := range cpuHierarchies {
		used := map[string]float64{}
		err := eachUnit(root, version.hierarchy, func(unit, dir string) {
			if n, err := version.read(root, dir); err == nil {
				used[unit] += n / version.second
			}
		})
		if err == nil && len(used) > 0 {
			return used, nil
		}
	}
	used := map[string]float64{}
	return used, eachProcess(root, func(groups []string, seconds float64) {
		used[ownerOf(groups)] += seconds
	})
}

// timeOfProcesses adds up the processes of a service or slice.
func timeOfProcesses(root fs.FS, of string) (float64, error) {
	used, any := 0.0, false
	err := eachProcess(root, func(groups []string, seconds float64) {
		if strings.HasSuffix(of, ".slice") && slices.Contains(groups, of) || ownerOf(groups) == of {
			used, any = used+seconds, true
		}
	})
	if err == nil && !any {
		err = errNoGroup
	}
	return used, err
}

// ownerOf is the unit of the system that a path of control groups belongs to: the
// first service or scope on it, or the users' slice.
func ownerOf(groups []string) string {
	for _, name := range groups {
		if isProcessGroup(name) || name == usersSlice {
			return name
		}
	}
	return "-"
}

// eachProcess visits each process with its path of control groups and the time
// that it has used (proc_pid_stat(5), utime and stime). One that ends while it is
// looked at is left out.
func eachProcess(root fs.FS, visit func(groups []string, seconds float64)) error {
	entries, err := fs.ReadDir(root, "proc")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		stat, err := fs.ReadFile(root, path.Join("proc", entry.Name(), "stat"))
		if err != nil {
			continue
		}
		groups, err := fs.ReadFile(root, path.Join("proc", entry.Name(), "cgroup"))
		if err != nil {
			continue
		}
		if seconds, ok := ownTime(string(stat)); ok {
			visit(groupPath(string(groups)), seconds)
		}
	}
	return nil
}

// ownTime reads what follows the name of a process, which may hold anything but
// ends at the last parenthesis.
func ownTime(stat string) (seconds float64, ok bool) {
	words := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(words) < 13 {
		return 0, false
	}
	user, errUser := strconv.ParseFloat(words[11], 64)
	system, errSystem := strconv.ParseFloat(words[12], 64)
	return (user + system) / tick, errUser == nil && errSystem == nil
}

// groupPath is the path that systemd keeps for a process, in version 2 or its own
// hierarchy of version 1.
func groupPath(groups string) []string {
	for line := range strings.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) == 3 && (parts[1] == "" || parts[1] == "name=systemd") {
			return strings.Split(parts[2], "/")
		}
	}
	return nil
}
