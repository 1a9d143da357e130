package systemd

import (
	"fmt"
	"slices"
	"strings"

	"nightshift/remediate"
)

// maxName is the longest name of a unit, and nameSet what it is made of beside
// its suffix: systemd.unit(5). No globs, slashes or spaces: what is here can be
// an argument of a program and a match of the journal as it is.
const (
	maxName = 255
	nameSet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@"
)

// suffixes are the types of unit: systemd.unit(5).
var suffixes = []string{
	"service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope",
}

// checkName refuses what is not the full name of one unit. Names come from the
// inventory; this is the last door before PID 1.
func checkName(name string) error {
	dot := strings.LastIndexByte(name, '.')
	switch {
	case name == "":
		return fmt.Errorf("cannot use a unit without a name: expected one like nginx.service")
	case len(name) > maxName:
		return fmt.Errorf("cannot use unit %.40q…: expected at most %d characters", name, maxName)
	case dot <= 0 || !slices.Contains(suffixes, name[dot+1:]):
		return fmt.Errorf("cannot use unit %q: expected a full name with its type, like nginx.service", name)
	case !onlyOf(name[:dot], nameSet):
		return fmt.Errorf("cannot use unit %q: expected letters, digits and :-_.\\@ before the type, no globs", name)
	case name[dot-1] == '@':
		return fmt.Errorf("cannot use unit %q: a template cannot run, expected an instance like %sNAME%s", name, name[:dot], name[dot:])
	}
	return nil
}

func onlyOf(text, set string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune(set, r) }) < 0
}

// unitOf is the name of the unit that a target is.
func unitOf(target remediate.Target) (string, error) {
	if target.Kind != remediate.UnitKind {
		return "", fmt.Errorf("cannot look at %q as a unit: expected unit:NAME", target)
	}
	return target.Name, checkName(target.Name)
}
