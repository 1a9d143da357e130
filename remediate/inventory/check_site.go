package inventory

import (
	"slices"
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
		c.between(join(path, "min_healthy"), group.MinHealthy.Count, 0, len(group.Units))
	}
}
