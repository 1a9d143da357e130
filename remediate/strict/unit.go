package strict

import (
	"regexp"
	"slices"
	"strings"
)

// unitName is a name that systemd takes for a unit: systemd.unit(5), "String
// Escaping for Inclusion in Unit Names". PID 1 refuses any other one.
var unitName = regexp.MustCompile(`^[A-Za-z0-9:_.\\@-]+$`)

// suffixes are those of systemd.unit(5), but for those of units that nobody can
// start or stop: device, scope.
var suffixes = []string{".service", ".socket", ".target", ".timer", ".mount", ".automount", ".path", ".swap", ".slice"}

// maxUnitName is UNIT_NAME_MAX of systemd, less its closing zero.
const maxUnitName = 255

// WrongUnit says why a name is no unit's; empty if it is one.
func WrongUnit(name string) string {
	suffix := strings.LastIndexByte(name, '.')
	switch {
	case len(name) > maxUnitName:
		return Quote(name) + " is too long for the name of a unit: expected at most 255 characters"
	case !unitName.MatchString(name):
		return Quote(name) + ` is no name of a unit: expected only letters, digits and : _ . \ @ -`
	case suffix < 0:
		return Quote(name) + " has no suffix; did you mean " + Quote(name+".service") + "?"
	case suffix == 0 || !slices.Contains(suffixes, name[suffix:]):
		return Quote(name) + " is no name of a unit: expected a word and then " + OneOf(suffixes)
	case strings.HasSuffix(name[:suffix], "@"):
		return Quote(name) + " is a template; name an instance, like " + Quote(name[:suffix]+"1"+name[suffix:])
	}
	return ""
}
