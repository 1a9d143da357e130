package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// group is a world's own control group in one hierarchy.
type group struct {
	Controllers string // as /proc/self/cgroup names them; empty for version 2
	Path        string // the group's directory as the host sees it
}

// groups are a world's control groups, one in each hierarchy of the host.
type groups []group

// groupsFile tells a later sweep, and enter, which groups a world has.
const groupsFile = "cgroups.json"

// makeGroups makes a group below our own in every hierarchy. What it made is
// returned also when it fails, to be removed.
func makeGroups(dir, name string) (groups, error) {
	own, err := ownGroups()
	if err != nil {
		return nil, err
	}
	made := groups{}
	for _, g := range own {
		parent := g.Path
		g.Path = filepath.Join(parent, "nightshift-"+name+"-"+filepath.Base(dir))
		if err := os.Mkdir(g.Path, 0o755); err != nil {
			return made, fmt.Errorf("cannot make a control group (root is needed): %w", err)
		}
		made = append(made, g)
		prepare(g, parent)
	}
	text, err := json.Marshal(made)
	if err != nil {
		return made, err
	}
	return made, os.WriteFile(filepath.Join(dir, groupsFile), text, 0o600)
}

// prepare gives a group what a child of its hierarchy does not inherit: the
// CPUs and nodes of a cpuset, and the controllers of version 2. Where the
// latter is refused the hierarchy serves without them, as in hybrid layouts.
func prepare(g group, parent string) {
	if g.Controllers == "cpuset" {
		for _, f := range []string{"cpuset.cpus", "cpuset.mems"} {
			if value, err := os.ReadFile(filepath.Join(parent, f)); err == nil {
				_ = os.WriteFile(filepath.Join(g.Path, f), value, 0o644)
			}
		}
	}
	if g.Controllers == "" {
		_ = os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("+cpu +memory +pids +io"), 0o644)
	}
}

// ownGroups finds where this process stands in every mounted hierarchy.
func ownGroups() (groups, error) {
	self, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	mounts, err := hierarchies()
	if err != nil {
		return nil, err
	}
	var own groups
	for line := range strings.Lines(string(self)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		if at, ok := mounts[fields[1]]; ok {
			own = append(own, group{Controllers: fields[1], Path: filepath.Join(at, fields[2])})
		}
	}
	if len(own) == 0 {
		return nil, errors.New("cannot find a mounted cgroup hierarchy: mount one below /sys/fs/cgroup")
	}
	return own, nil
}

// hierarchies maps controllers to mount points, from proc(5)'s mountinfo.
func hierarchies() (map[string]string, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	found := map[string]string{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		left, right, _ := strings.Cut(lines.Text(), " - ")
		before, after := strings.Fields(left), strings.Fields(right)
		if len(before) < 5 || len(after) < 3 {
			continue
		}
		switch after[0] {
		case "cgroup2":
			found[""] = before[4]
		case "cgroup":
			found[controllersOf(after[2])] = before[4]
		}
	}
	return found, lines.Err()
}

// controllersOf keeps the controllers of a mount's options.
func controllersOf(options string) string {
	names := strings.Split(options, ",")
	names = slices.DeleteFunc(names, func(o string) bool {
		return o == "rw" || o == "ro" || o == "xattr" || o == "noprefix" || o == "clone_children" ||
			strings.HasPrefix(o, "release_agent=")
	})
	return strings.Join(names, ",")
}

func readGroups(dir string) (groups, error) {
	text, err := os.ReadFile(filepath.Join(dir, groupsFile))
	if err != nil {
		return nil, err
	}
	var g groups
	return g, json.Unmarshal(text, &g)
}

// add moves a process into all of the groups.
func (gs groups) add(pid int) error {
	for _, g := range gs {
		if err := os.WriteFile(filepath.Join(g.Path, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0); err != nil {
			return fmt.Errorf("cannot move process %d into a control group: %w", pid, err)
		}
	}
	return nil
}

// mount shows the hierarchies at the place systemd looks for them: all of
// version 1 side by side, with version 2 as "unified" beside them, or version
// 2 alone. Mounted inside the cgroup namespace, the world's groups are roots.
func (gs groups) mount(at string) error {
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if len(gs) == 1 && gs[0].Controllers == "" {
		return mount{"cgroup2", at, "cgroup2", flags, "nsdelegate"}.do()
	}
	var table []mount
	for _, g := range gs {
		m := mount{"cgroup", filepath.Join(at, strings.TrimPrefix(g.Controllers, "name=")), "cgroup", flags, g.Controllers}
		switch {
		case g.Controllers == "":
			m = mount{"cgroup2", filepath.Join(at, "unified"), "cgroup2", flags, ""}
		case strings.HasPrefix(g.Controllers, "name="):
			m.data = "none," + g.Controllers
		}
		table = append(table, m)
	}
	return doAll(table)
}

// remove kills what is left in the groups and removes them, leaves first. The
// kernel needs a moment to let go of a group after its last process.
func (gs groups) remove() {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left := slices.DeleteFunc(slices.Clone(gs), func(g group) bool { return removeTree(g.Path) })
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			fmt.Fprintln(os.Stderr, "keeper: cannot remove control groups", left)
			return
		}
	}
}

// removeTree reports whether nothing is left of the group at path.
func removeTree(path string) bool {
	var dirs []string
	_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, p)
		}
		return nil
	})
	for _, d := range slices.Backward(dirs) {
		killAll(filepath.Join(d, "cgroup.procs"))
		_ = os.Remove(d)
	}
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

func killAll(procs string) {
	text, _ := os.ReadFile(procs)
	for _, field := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 1 {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// sweep removes what the keeper of DIR left when it was killed itself. Its
// mounts went with its namespace, so there are only groups and files.
func sweep(dir string) error {
	if gs, err := readGroups(dir); err == nil {
		gs.remove()
	}
	return os.RemoveAll(dir)
}
