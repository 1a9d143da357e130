package qemu

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
)

// current is the overlay that a disk's symlink names.
func (p place) current(disk string) (string, error) {
	link := p.live(disk)
	info, err := os.Lstat(link)
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot tell what disk %s is on: %w", disk, err)
	case info.Mode().Type() != os.ModeSymlink:
		return "", fmt.Errorf("cannot tell what disk %s is on: %s is no symlink; expected one to %s-ULID.qcow2 beside it", disk, link, disk)
	}
	name, err := os.Readlink(link)
	if err != nil {
		return "", fmt.Errorf("cannot tell what disk %s is on: %w", disk, err)
	}
	if o, ok := parseOverlay(name); !ok || o.disk != disk || o.aside != "" {
		return "", fmt.Errorf("cannot tell what disk %s is on: %s leads to %q; expected %s-ULID.qcow2 beside it", disk, link, name, disk)
	}
	return name, nil
}

// current is what each disk that goes back is on now.
func (v *VM) current() (map[string]string, error) {
	on := map[string]string{}
	for _, disk := range v.goBack() {
		name, err := v.place.current(disk)
		if err != nil {
			return nil, fmt.Errorf("%w (VM %s)", err, v.o.Name)
		}
		on[disk] = name
	}
	return on, nil
}

// identity is one text of what each disk is on: it changes exactly when that does.
func identity(on map[string]string) string {
	var parts []string
	for disk, name := range on {
		parts = append(parts, disk+"="+name)
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// digest of a text, in hex.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// asides are what swaps put aside, newest first.
type aside struct {
	stamp string
	disks map[string]string // the file's name, by disk
}

// asides reads them from the names in live/.
func (p place) asides() ([]aside, error) {
	files, err := os.ReadDir(p.live())
	if err != nil {
		return nil, fmt.Errorf("cannot read what was put aside: %w", err)
	}
	by := map[string]map[string]string{}
	for _, f := range files {
		o, ok := parseOverlay(f.Name())
		if !ok || o.aside == "" {
			continue
		}
		if by[o.aside] == nil {
			by[o.aside] = map[string]string{}
		}
		by[o.aside][o.disk] = f.Name()
	}
	var all []aside
	for stamp, disks := range by {
		all = append(all, aside{stamp, disks})
	}
	slices.SortFunc(all, func(a, b aside) int { return strings.Compare(b.stamp, a.stamp) })
	return all, nil
}

// whole reports whether all disks that go back were put aside together.
func (v *VM) whole(a aside) bool {
	return !slices.ContainsFunc(v.goBack(), func(disk string) bool { return a.disks[disk] == "" })
}

// find is the file of an overlay, by the name that it has in use: put aside it has
// another one.
func (p place) find(name string) (string, error) {
	if exists(p.live(name)) {
		return name, nil
	}
	want, _ := parseOverlay(name)
	all, err := p.asides()
	if err != nil {
		return "", err
	}
	for _, a := range all {
		o, _ := parseOverlay(a.disks[want.disk])
		if want.id != "" && o.id == want.id {
			return a.disks[want.disk], nil
		}
	}
	return "", fmt.Errorf("cannot find the overlay %s in %s: it is missing", name, p.live())
}

// inUseName is the name of an overlay without the mark of what was put aside.
func inUseName(name string) string {
	o, _ := parseOverlay(name)
	o.aside = ""
	return o.String()
}
