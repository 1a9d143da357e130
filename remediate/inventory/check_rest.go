package inventory

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nkeys"
)

func (c *checker) checkProfiles() {
	units := sorted(c.file.Units)
	for _, name := range sorted(c.file.Profiles) {
		path := join("profiles", name)
		c.isToken(path, name)
		for _, unit := range sorted(c.file.Profiles[name]) {
			c.checkLimit(join(path, unit), unit, c.file.Profiles[name][unit], units)
		}
	}
}

// maxCPU is what 100 CPUs give.
const maxCPU Percent = 10000

func (c *checker) checkLimit(path, unit string, limit Limit, units []string) {
	if !slices.Contains(units, unit) {
		c.wrongKey(path, "%s is no unit of this file%s", quote(unit), didYouMean(unit, units))
	}
	if !c.has(join(path, "memory")) && !c.has(join(path, "cpu")) {
		c.fail(c.holder(path), path, "expected memory, cpu or both")
	}
	c.checkShare(join(path, "cpu"), limit.CPU, maxCPU)
}

func (c *checker) checkGroups() {
	units := sorted(c.file.Units)
	for _, name := range sorted(c.file.Groups) {
		path, group := join("groups", name), c.file.Groups[name]
		c.isToken(path, name)
		c.need(path, "units", "the units that stand in for each other")
		c.need(path, "min_healthy", "how many of them must stay healthy")
		c.known(join(path, "units"), group.Units, "unit of this file", units)
		c.between(join(path, "min_healthy"), group.MinHealthy, 0, len(group.Units))
	}
}

func (c *checker) checkVMs() {
	probes := sorted(c.file.Probes)
	for _, name := range sorted(c.file.VMs) {
		path, vm := join("vms", name), c.file.VMs[name]
		c.isToken(path, name)
		c.need(path, "unit", "the unit that runs the VM")
		c.need(path, "qmp", "the path of its control socket")
		c.need(path, "images", "the directory of its disks")
		c.need(path, "disks", "what a rollback does with each: rollback or keep")
		if unit := join(path, "unit"); c.has(unit) && wrongUnit(vm.Unit) != "" {
			c.wrong(unit, "%s", wrongUnit(vm.Unit))
		}
		c.checkPath(join(path, "qmp"), vm.QMP)
		c.checkPath(join(path, "images"), vm.Images)
		c.known(join(path, "healthy"), vm.Healthy, "probe of this file", probes)
		for _, disk := range sorted(vm.Disks) {
			c.isToken(join(join(path, "disks"), disk), disk)
		}
	}
}

func (c *checker) checkPlaybooks() {
	if len(c.file.Playbooks) == 0 {
		c.warn(c.holder("playbooks"), "playbooks", "none is on: nothing will ever be done")
	}
	seen := map[string]bool{}
	for i, p := range c.file.Playbooks {
		path := item("playbooks", i)
		switch named, files := c.has(join(path, "name")), c.has(join(path, "files")); {
		case named == files:
			c.wrong(path, "expected either name (a coded playbook) or files (playbooks in YAML)")
		case files:
			c.checkFiles(path, p.Files)
		default:
			c.checkPlaybookName(join(path, "name"), p.Name, seen)
			c.checkFigures(path, p)
		}
	}
}

func (c *checker) checkFiles(where, pattern string) {
	if _, err := path.Match(pattern, ""); err != nil {
		c.wrong(join(where, "files"), "%s is no pattern of file names; expected one like playbooks/*.yaml", quote(pattern))
	}
	for _, key := range []string{"verify", "attempts", "deadline"} {
		if field := join(where, key); c.has(field) {
			c.wrongKey(field, "each of the files says its own %s", key)
		}
	}
}

func (c *checker) checkPlaybookName(path, name string, seen map[string]bool) {
	coded := c.options.Playbooks
	switch {
	case coded == nil && !token.MatchString(name):
		c.wrong(path, "%s is no name of a playbook: %s", quote(name), tokenIs)
	case coded != nil && !slices.Contains(coded, name):
		c.wrong(path, "%s is no coded playbook%s", quote(name), hintOrAll(name, coded))
	case seen[name]:
		c.wrong(path, "playbook %s is listed twice", quote(name))
	}
	seen[name] = true
}

// hintOrAll is the name that may be meant, or else all there are.
func hintOrAll(name string, known []string) string {
	if hint := didYouMean(name, known); hint != "" {
		return hint
	}
	return "; expected " + oneOf(known)
}

// checkFigures holds a playbook's figures against each other.
func (c *checker) checkFigures(path string, p Playbook) {
	v := p.Verify
	c.between(join(path, "attempts.max"), p.Attempts.Max, 1, 100)
	if v.Within > 0 && v.Window > 0 && v.Within < v.Settle+v.Window {
		c.wrong(join(path, "verify.within"), "expected at least settle and window together (%s), found %s", v.Settle+v.Window, v.Within)
	}
	if v.Window > 0 && v.Every > v.Window {
		c.wrong(join(path, "verify.every"), "expected at most the window (%s), found %s", v.Window, v.Every)
	}
}

func (c *checker) checkSeverities() {
	for _, name := range sorted(c.file.Severities) {
		c.between(join("severities", name), c.file.Severities[name], 1, 4)
	}
}

// maxLevels bounds an escalation: beyond it nobody new is left to call.
const maxLevels = 10

func (c *checker) checkEscalation() {
	levels, path := c.file.Escalation.Levels, "escalation.levels"
	if !c.has(path) {
		c.file.Escalation.Levels = []Delay{0}
		return
	}
	if len(levels) == 0 || len(levels) > maxLevels {
		c.wrong(path, "expected 1 to %d times, like [0m, 15m]", maxLevels)
	}
	for i := 1; i < len(levels); i++ {
		if levels[i] <= levels[i-1] {
			c.wrong(item(path, i), "expected more than the level before (%s), found %s", time.Duration(levels[i-1]), time.Duration(levels[i]))
		}
	}
}

func (c *checker) checkPeople() {
	keys := map[string]string{}
	for _, name := range sorted(c.file.People) {
		path, person := join("people", name), c.file.People[name]
		c.isToken(path, name)
		c.need(path, "key", "the public half of the person's nkey, U…; `nightshift user add` makes one")
		if key := join(path, "key"); c.has(key) {
			c.checkKey(key, name, person.Key, keys)
		}
	}
}

// checkKey notes an error unless a key is public, and nobody else's. It is not
// quoted: somebody may have taken the seed for it.
func (c *checker) checkKey(path, name, key string, keys map[string]string) {
	switch {
	case strings.HasPrefix(key, "S"):
		c.wrong(path, "this looks like a seed, which must never leave the person's machine: make a new key, and write its public half, U…, here")
	case !nkeys.IsValidPublicUserKey(key):
		c.wrong(path, "expected the public half of a NATS user nkey: U and 55 more characters")
	case keys[key] != "":
		c.wrong(path, "it is also the key of %s", keys[key])
	}
	keys[key] = name
}
