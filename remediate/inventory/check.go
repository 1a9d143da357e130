package inventory

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"nightshift/alerts"
	"nightshift/remediate/strict"
)

// checker holds a decoded file against what YAML can't say: which fields are
// needed, which values are possible, which names are defined. It fills in the
// defaults as it goes.
type checker struct {
	*decoder
	name    string
	file    *File
	options Options
}

func (c *checker) check() {
	c.checkHost()
	c.checkProbes()
	c.checkUnits()
	c.checkProfiles()
	c.checkGroups()
	c.checkVMs()
	c.checkPlaybooks()
	c.checkGates()
	c.checkSeverities()
	c.checkEscalation()
	c.checkPeople()
}

// isToken notes an error unless the last key of a path is a token.
func (c *checker) isToken(path, name string) {
	if !strict.IsToken(name) {
		c.wrongKey(path, "%s is no name here: %s", quote(name), tokenIs)
	}
}

// known notes an error for each name of a list that is none of those.
func (c *checker) known(path string, names []string, what string, of []string) {
	for i, name := range names {
		if !slices.Contains(of, name) {
			c.wrong(item(path, i), "%s is no %s%s", quote(name), what, didYouMean(name, of))
		}
	}
}

// warn notes what is allowed and probably not meant.
func (c *checker) warn(at *yaml.Node, field, msg string) {
	c.file.Warnings = append(c.file.Warnings, Warning{c.name, at.Line, at.Column, field, msg})
}

func (c *checker) checkHost() {
	host := &c.file.Host
	c.need("", "host", "it says which host this is, and which alerts are its own")
	if !c.has("host") {
		return
	}
	c.need("host", "name", tokenIs)
	if c.has("host.name") && !strict.IsToken(host.Name) {
		c.wrong("host.name", "%s is no host name here: %s", quote(host.Name), tokenIs)
	}
	c.need("host", "alerts", `matchers of this host's alerts, like 'instance=~"web-1(:[0-9]+)?"'`)
	c.checkAlerts()
	c.checkHostMemory()
	if !c.has("host.max_acting") {
		host.MaxActing = 1
	}
	c.between("host.max_acting", host.MaxActing, 1, 100)
	c.checkURL("host.dashboard", host.Dashboard)
}

func (c *checker) checkAlerts() {
	path := "host.alerts"
	if c.has(path) && len(c.file.Host.Alerts) == 0 {
		c.wrong(path, "expected at least one matcher: an empty list would be no alert at all")
		return
	}
	scope, err := alerts.ParseScope(c.file.Host.Alerts)
	for _, one := range all(err) {
		if wrong := new(alerts.ExpressionError); errors.As(one, &wrong) {
			c.wrong(item(path, wrong.Index), "%s", one)
		}
	}
	c.file.Scope = scope
}

// all takes a joined error apart.
func all(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

func (c *checker) checkHostMemory() {
	if !c.has("host.memory") {
		return
	}
	c.need("host.memory", "of", "the slice that holds what is looked after, like site.slice")
	c.need("host.memory", "allocation", "the bytes that the slice was given, like 2GiB")
	if c.has("host.memory.of") {
		c.checkSlice("host.memory.of", c.file.Host.Memory.Of)
	}
}

// checkSlice notes an error unless a name is that of a slice.
func (c *checker) checkSlice(path, name string) {
	if why := wrongUnit(name); why != "" {
		c.wrong(path, "%s", why)
	} else if !strings.HasSuffix(name, ".slice") {
		c.wrong(path, "%s is no slice; expected a name that ends in .slice", quote(name))
	}
}

// sorted are the names of a map, so that errors come in the same order each time.
func sorted[V any](entries map[string]V) []string { return slices.Sorted(maps.Keys(entries)) }
