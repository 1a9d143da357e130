package probe

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"nightshift/remediate"
)

// local are the kinds of file systems that are looked at: those on disks of this
// host. A server of others may never answer.
var local = []string{"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "vfat", "zfs", "overlay", "tmpfs", "bcachefs"}

// maxMounts bounds a list of file systems.
const maxMounts = 64

// Disks answers [remediate.SeeDisks]: what is free on each file system of this
// host's own, space and inodes.
func (s Sights) Disks(ctx context.Context, look remediate.Look) remediate.Evidence {
	seen := remediate.Evidence{Look: look}
	mounts, err := fs.ReadFile(s.root(), "proc/self/mounts")
	if err != nil {
		seen.Error = "cannot list the file systems: " + err.Error()
		return seen
	}
	var lines strings.Builder
	fmt.Fprintf(&lines, "%10s  %8s  %8s  mounted at\n", "free", "space", "inodes")
	listed := newTurn().look(ctx, func() answer {
		for _, mount := range mountPoints(string(mounts)) {
			lines.WriteString(mountLine(mount))
		}
		return healthy("")
	})
	if listed.health != remediate.Healthy {
		seen.Error = listed.detail // whoever hangs still writes: its lines are not read
		return seen
	}
	seen.Text = lines.String()
	return seen
}

// mountPoints are where local file systems are mounted, each once: proc_mounts(5).
func mountPoints(mounts string) []string {
	var points []string
	devices := map[string]bool{}
	for line := range strings.Lines(mounts) {
		words := strings.Fields(line)
		if len(words) < 3 || !slices.Contains(local, words[2]) || len(points) == maxMounts {
			continue
		}
		if words[2] != "tmpfs" && words[2] != "overlay" && devices[words[0]] {
			continue // the same file system, mounted once more
		}
		devices[words[0]] = true
		points = append(points, strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(words[1]))
	}
	return points
}

// mountLine is what is free at one; nothing of what has no size.
func mountLine(point string) string {
	var stat unix.Statfs_t
	if unix.Statfs(point, &stat) != nil || stat.Blocks == 0 {
		return ""
	}
	free, used := int64(stat.Bavail)*stat.Bsize, int64(stat.Blocks-stat.Bfree)*stat.Bsize
	inodes := "-"
	if stat.Files > 0 {
		inodes = percent(100 * float64(stat.Ffree) / float64(stat.Files))
	}
	return fmt.Sprintf("%10s  %8s  %8s  %s\n", bytesOf(free), percent(100*float64(free)/float64(max(free+used, 1))), inodes, remediate.Printable(point))
}
