package systemd

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// oomFiles are where the kernel counts, below the control groups' root, what it
// killed in a group for want of memory: memory.events of version 2
// (cgroup-v2.rst) and memory.oom_control of version 1 (memory.rst). With version
// 1 systemd itself does not see it: such a unit fails with Result=signal.
var oomFiles = []func(group string) string{
	func(group string) string { return filepath.Join("/sys/fs/cgroup", group, "memory.events") },
	func(group string) string { return filepath.Join("/sys/fs/cgroup/memory", group, "memory.oom_control") },
}

// oomKills is how many processes of a control group the kernel killed for want of
// memory since the group was made; 0 where that can't be read.
func oomKills(group string) uint64 {
	if group == "" {
		return 0 // nothing runs
	}
	for _, file := range oomFiles {
		if text, err := os.ReadFile(file(group)); err == nil {
			return parseOOMKills(string(text))
		}
	}
	return 0
}

// parseOOMKills finds the line "oom_kill N".
func parseOOMKills(text string) uint64 {
	for line := range strings.Lines(text) {
		if count, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, _ := strconv.ParseUint(strings.TrimSpace(count), 10, 64)
			return n
		}
	}
	return 0
}
