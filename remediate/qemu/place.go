package qemu

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// Where Nix keeps what it built, and what tells it to go on keeping it: nix-store(1).
const (
	nixStore = "/nix/store"
	nixRoots = "/nix/var/nix/gcroots"
)

// place knows where things lie.
type place struct {
	images  string   // the directory of all
	deploys []string // where an image may lie that is deployed
	store   string
	roots   string
	who     believed // whose records and images are believed, beside root's
}

func (p place) live(name ...string) string {
	return filepath.Join(append([]string{p.images, "live"}, name...)...)
}

func (p place) good(name ...string) string {
	return filepath.Join(append([]string{p.images, "good"}, name...)...)
}

func (p place) holdFile() string { return p.live("hold") }
func (p place) smbios() string   { return p.live("smbios") }
func (p place) plan() string     { return p.live("swap.json") }
func (p place) proofs() string   { return p.live("proof") }
func (p place) pointer() string  { return p.good("last-known-good") }

// lies reports whether a path lies below one of the directories that an image may
// come from.
func (p place) lies(path string) bool {
	for _, dir := range append([]string{p.live(), p.good()}, p.deploys...) {
		if below(path, dir) {
			return true
		}
	}
	return below(path, p.store)
}

func below(path, dir string) bool {
	return filepath.IsAbs(path) && filepath.Clean(path) == path && strings.HasPrefix(path, filepath.Clean(dir)+"/")
}

// stampLayout is the time in the name of what was put aside, in UTC.
const stampLayout = "20060102T150405Z"

// overlayName is DISK-ULID.qcow2, and DISK-ULID.aside-STAMP.qcow2 once put aside. No
// disk's name can end so that two disks meet: a ULID has a fixed length.
var overlayName = regexp.MustCompile(`^([a-z0-9][a-z0-9-]*)-([0-9A-HJKMNP-TV-Z]{26})(?:\.aside-(\d{8}T\d{6}Z))?\.qcow2$`)

// overlay is the name of a file in live/, taken apart.
type overlay struct {
	disk, id, aside string
}

func parseOverlay(name string) (overlay, bool) {
	m := overlayName.FindStringSubmatch(name)
	if m == nil {
		return overlay{}, false
	}
	return overlay{m[1], m[2], m[3]}, true
}

func (o overlay) String() string {
	if o.aside != "" {
		return fmt.Sprintf("%s-%s.aside-%s.qcow2", o.disk, o.id, o.aside)
	}
	return fmt.Sprintf("%s-%s.qcow2", o.disk, o.id)
}

// newOverlay is a name that no overlay had before.
func newOverlay(disk string, now time.Time) string {
	return overlay{disk: disk, id: newID(now)}.String()
}

// newID is a ULID: a time, and 80 random bits.
func newID(now time.Time) string {
	return ulid.MustNew(ulid.Timestamp(now), ulid.DefaultEntropy()).String()
}

// checkpointName is what a checkpoint may be called: it becomes part of a file's name
// and of a systemd unit's, whose instance needs no escaping then (systemd.unit(5)).
var checkpointName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// reserved are the names of images that are no checkpoints; so are all that begin
// with asidePrefix.
var reserved = []string{beforeName, "last-known-good"}

// CheckName says what is wrong with the name of a checkpoint.
func CheckName(name string) error {
	taken := slices.Contains(reserved, name) || strings.HasPrefix(name, asidePrefix)
	switch {
	case !checkpointName.MatchString(name):
		return fmt.Errorf("cannot use %q as the name of a checkpoint: expected up to 63 characters of a-z, 0-9, '.', '_' and '-', a letter or digit first", name)
	case taken:
		return fmt.Errorf("cannot use %q as the name of a checkpoint: %s, and names that begin with %s, mean something else", name, strings.Join(reserved, ", "), asidePrefix)
	}
	return nil
}
