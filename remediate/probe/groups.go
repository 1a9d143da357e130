package probe

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// notFound says that there is no control group.
var errNoGroup = errors.New("it has no control group: it does not run")

// usersSlice holds what users run. Their own managers make groups in it, by
// whatever names they like: nothing below it is a unit of the system.
const usersSlice = "user.slice"

// eachUnit calls visit with each service and scope of the system in a hierarchy
// of control groups, and with the users' slice as a whole. It goes down into
// slices only: what lies below a service was made by the service.
func eachUnit(root fs.FS, hierarchy string, visit func(unit, dir string)) error {
	entries, err := fs.ReadDir(root, hierarchy)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name, dir := entry.Name(), path.Join(hierarchy, entry.Name())
		switch {
		case !entry.IsDir():
		case isProcessGroup(name), name == usersSlice:
			visit(name, dir)
		case strings.HasSuffix(name, ".slice"):
			if err := eachUnit(root, dir, visit); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// isProcessGroup tells a unit that holds processes.
func isProcessGroup(name string) bool {
	return strings.HasSuffix(name, ".service") || strings.HasSuffix(name, ".scope")
}

// groupDir is where a unit or slice lies in a hierarchy.
func groupDir(root fs.FS, hierarchy, of string) (string, error) {
	if strings.HasSuffix(of, ".slice") {
		dir := path.Join(hierarchy, slicePath(of))
		_, err := fs.Stat(root, dir)
		if errors.Is(err, fs.ErrNotExist) {
			return "", errNoGroup
		}
		return dir, err
	}
	found := ""
	err := eachUnit(root, hierarchy, func(unit, dir string) {
		if unit == of {
			found = dir
		}
	})
	if err == nil && found == "" {
		err = errNoGroup
	}
	return found, err
}

// memoryHierarchies are where the memory of groups is accounted: version 1 where
// it is mounted, else version 2.
var memoryHierarchies = []counted{
	{"sys/fs/cgroup/memory", "memory.oom_control", "oom_kill"},
	{"sys/fs/cgroup", "memory.events", "oom_kill"},
}

// counted is a number in a file of each group of a hierarchy; Field is empty
// where the file holds nothing else.
type counted struct{ hierarchy, file, field string }

// read is the number in one group.
func (c counted) read(root fs.FS, dir string) (float64, error) {
	text, err := fs.ReadFile(root, path.Join(dir, c.file))
	if err != nil {
		return 0, err
	}
	if c.field == "" {
		return strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	}
	n := field(string(text), c.field)
	if n < 0 {
		return 0, errors.New("/" + path.Join(dir, c.file) + " has no " + c.field)
	}
	return float64(n), nil
}

// OOMKills is how many processes the kernel has killed because memory ran out:
// on this host since it booted, or in a service or slice since that began. That
// of proc_vmstat(5), memory.events of cgroup-v2.rst, and memory.oom_control of
// version 1, which counts each group by itself.
func OOMKills(root fs.FS, of string) (float64, error) {
	if of == "" {
		return counted{"proc", "vmstat", "oom_kill"}.read(root, "proc")
	}
	for n, version := range memoryHierarchies {
		dir, err := groupDir(root, version.hierarchy, of)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNoGroup) && n == 0 {
			continue
		}
		if err != nil {
			return 0, err
		}
		if n > 0 {
			return version.read(root, dir)
		}
		return sumBelow(root, dir, version)
	}
	return 0, errNoGroup
}

// sumBelow adds up a group and all below it.
func sumBelow(root fs.FS, dir string, c counted) (float64, error) {
	sum, err := c.read(root, dir)
	if err != nil {
		return 0, err
	}
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return 0, err
	}
	for _, entry := range slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !e.IsDir() }) {
		below, err := sumBelow(root, path.Join(dir, entry.Name()), c)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		sum += below
	}
	return sum, nil
}
