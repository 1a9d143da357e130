package inventory

import (
	"slices"
	"strings"

	"nightshift/remediate"
)

func (c *checker) checkUnits() {
	probes, units := sorted(c.file.Probes), sorted(c.file.Units)
	for _, name := range units {
		path, unit := join("units", name), c.file.Units[name]
		if why := wrongUnit(name); why != "" {
			c.wrongKey(path, "%s", why)
		}
		c.known(join(path, "needs"), unit.Needs, "unit of this file", units)
		c.known(join(path, "healthy"), unit.Healthy, "probe of this file", probes)
		c.checkOneshots(path, unit)
		c.ownFigures(path, unit.Rates, unit.Breaker)
		c.file.Units[name] = c.withRisk(path, unit)
		c.warnDenied(name, path, unit)
	}
	c.checkCycles(units)
}

// checkOneshots keeps a oneshot unit out of what restarting another unit touches:
// it is started by name or not at all.
func (c *checker) checkOneshots(path string, unit Unit) {
	for i, need := range unit.Needs {
		if c.file.Units[need].Oneshot {
			c.wrong(item(join(path, "needs"), i), "%s is a oneshot unit; nothing can need it", quote(need))
		}
	}
}

// withRisk checks and fills in the risk of starting a oneshot unit.
func (c *checker) withRisk(path string, unit Unit) Unit {
	risk := join(path, "risk")
	switch {
	case c.has(risk) && !unit.Oneshot:
		c.wrongKey(risk, "only a oneshot unit has a risk of its own; add oneshot: true")
	case c.has(risk) && unit.Risk < remediate.Restart:
		c.wrong(risk, "expected restart, reset or rollback: starting a unit is no less")
	case unit.Oneshot && !c.has(risk):
		unit.Risk = remediate.Restart
	}
	return unit
}

func (c *checker) warnDenied(name, path string, unit Unit) {
	if c.options.Denied != nil && c.options.Denied(name) && !unit.Allow {
		c.warn(c.holder(path), path, "it is on the deny list and will not be acted on; allow: true beside it overrules that")
	}
}

// checkCycles notes each need that closes a circle.
func (c *checker) checkCycles(units []string) {
	done := map[string]bool{}
	var visit func(name string, chain []string)
	visit = func(name string, chain []string) {
		chain = append(chain, name)
		for i, need := range c.file.Units[name].Needs {
			if from := slices.Index(chain, need); from >= 0 {
				circle := append(slices.Clone(chain[from:]), need)
				c.wrong(item(join(join("units", name), "needs"), i), "needs go in a circle: %s", strings.Join(circle, " -> "))
			} else if !done[need] {
				visit(need, chain)
			}
		}
		done[name] = true
	}
	for _, name := range units {
		if !done[name] {
			visit(name, nil)
		}
	}
}
