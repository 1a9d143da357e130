package playbooks

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/strict"
)

// checker holds a recipe against what YAML can't say: which fields are needed, which
// values go together.
type checker struct {
	*strict.Reading
	recipe
}

const (
	// maxRungs and maxSteps bound a ladder: with more nobody reads it.
	maxRungs = 20
	maxSteps = 50
	// maxAttempts is what a playbook that people start has, whose own judgement bounds
	// how often.
	maxAttempts = 1000
	// maxTitle bounds the name of a rung, in characters: it stands in a table.
	maxTitle = 80
)

// check notes what is wrong, and reads the matchers.
func (c *checker) check() alerts.Matchers {
	c.Need("", "name", strict.TokenIs)
	if c.Has("name") && !strict.IsToken(c.Name) {
		c.Wrong("name", "%s is no name of a playbook: %s", strict.Quote(c.Name), strict.TokenIs)
	}
	match := c.checkMatch()
	c.checkTarget()
	c.checkLook()
	c.checkLadder()
	c.checkVerify()
	c.Between("attempts.max", c.Attempts.Max, 1, maxAttempts)
	if least := c.Verify.Settle + c.Verify.Window; c.Deadline > 0 && c.Deadline < least {
		c.Wrong("deadline", "expected at least what one verification takes (%s), found %s", strict.Spell(least), strict.Spell(c.Deadline))
	}
	return match
}

// checkMatch reads the matchers. Whom no alert starts has none.
func (c *checker) checkMatch() alerts.Matchers {
	switch {
	case c.Target.Asked && c.Has("match"):
		c.WrongKey("match", "a playbook with `target: asked` is started by people alone; take match out, or say what the target is")
		return alerts.Matchers{}
	case c.Target.Asked:
		return alerts.Matchers{}
	case c.Has("match") && len(c.Match) == 0:
		c.Wrong("match", "expected at least one matcher: an empty list would be no alert at all")
	}
	c.Need("", "match", `matchers of its alerts, like ['alertname="UnitCrashLooping"']`)
	match, err := alerts.ParseMatchers(c.Match)
	for _, one := range all(err) {
		if wrong := new(alerts.ExpressionError); errors.As(one, &wrong) {
			c.Wrong(strict.Item("match", wrong.Index), "%s", one)
		}
	}
	return match
}

// all takes a joined error apart.
func all(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return nil
}

func (c *checker) checkTarget() {
	c.Need("", "target", "what an incident is about: host, {unit: NAME}, {unit: {label: NAME}} or the same with vm")
	if why := strict.WrongUnit(c.Target.Unit); c.Target.Unit != "" && why != "" {
		c.Wrong("target.unit", "%s", why)
	}
	if c.Target.VM != "" && !strict.IsToken(c.Target.VM) {
		c.Wrong("target.vm", "%s is no name of a VM: %s", strict.Quote(c.Target.VM), strict.TokenIs)
	}
}

// ofVM reports whether an incident may be about a VM.
func (c *checker) ofVM() bool { return c.Target.VM != "" || c.Target.VMLabel != "" || c.Target.Asked }

// ofUnit reports whether an incident may be about a unit.
func (c *checker) ofUnit() bool {
	return c.Target.Unit != "" || c.Target.UnitLabel != "" || c.Target.Asked
}

func (c *checker) checkLook() {
	for n, l := range c.Look {
		if l.What == remediate.SeeProbe && l.Of == "" && !c.ofVM() {
			c.Wrong(strict.Item("look", n), "expected the probe whose answer it is, like {probe: front}")
		}
	}
}

func (c *checker) checkVerify() {
	v := c.Verify
	if !c.Target.Asked {
		c.Need("", "verify", "what must be seen to call it fixed")
	}
	if !c.Target.Asked && c.Has("verify") {
		c.Need("verify", "healthy", "the probes that must be healthy afterwards, like [target]: without one nothing is ever fixed")
	}
	if c.Has("verify.healthy") && len(v.Healthy) == 0 && !c.Target.Asked {
		c.Wrong("verify.healthy", "expected at least one probe: without one nothing is ever fixed")
	}
	for n, name := range v.Healthy {
		if at := strict.Item("verify.healthy", n); slices.Index(v.Healthy, name) < n {
			c.Wrong(at, "%s is there twice", strict.Quote(name))
		} else if why := c.wrongProbe(name); why != "" {
			c.Wrong(at, "%s", why)
		}
	}
	if v.Within > 0 && v.Window > 0 && v.Within < v.Settle+v.Window {
		c.Wrong("verify.within", "expected at least settle and window together (%s), found %s", strict.Spell(v.Settle+v.Window), strict.Spell(v.Within))
	}
	if v.Window > 0 && v.Every > v.Window {
		c.Wrong("verify.every", "expected at most the window (%s), found %s", strict.Spell(v.Window), strict.Spell(v.Every))
	}
}

// afterwards are the choices whose probes can be asked after a rung: those that choose
// by name, and not by what was seen before it.
var afterwards = []remediate.Choice{remediate.TheTarget, remediate.ItsNeeds, remediate.WholeSite, remediate.ItsProfile}

// wrongProbe says why a name can be no probe's; empty if it can.
func (c *checker) wrongProbe(name string) string {
	unit, ofUnit := remediate.ProbedUnit(name)
	vm, ofVM := remediate.ProbedVM(name)
	switch {
	case ofUnit:
		return strict.WrongUnit(unit)
	case ofVM && !strict.IsToken(vm):
		return strict.Quote(vm) + " is no name of a VM: " + strict.TokenIs
	case ofVM:
		return ""
	case slices.Contains(remediate.Choices, remediate.Choice(name)) && !slices.Contains(afterwards, remediate.Choice(name)):
		return "`" + name + "` says what is acted on, not what is asked afterwards: expected " + strict.OneOf(words(afterwards)) + ", or probes"
	case slices.Contains(afterwards, remediate.Choice(name)):
		return c.choosesNothing(remediate.Choice(name))
	case strict.WrongUnit(name) == "":
		return strict.Quote(name) + " is a unit, not a probe: write unit:" + name
	case !strict.IsToken(name):
		return strict.Quote(name) + " is no name of a probe: " + strict.TokenIs
	}
	return ""
}

// choosesNothing says why a choice would never choose anything here; empty if it may.
func (c *checker) choosesNothing(what remediate.Choice) string {
	needsUnit := what == remediate.ItsNeeds || what == remediate.TheTarget && !c.ofVM()
	needsVM := what == remediate.PausedVM || what == remediate.StuckVM
	switch {
	case needsUnit && !c.ofUnit():
		return "`" + string(what) + "` chooses nothing: the target is no unit; name the unit, or take failed or site"
	case needsVM && !c.ofVM():
		return "`" + string(what) + "` chooses nothing: the target is no virtual machine"
	}
	return ""
}

// plainTitle reports whether people can read a name of a rung on a line.
func plainTitle(title string) bool {
	return utf8.RuneCountInString(title) <= maxTitle && strings.TrimSpace(title) == title && remediate.Printable(title) == title &&
		!strings.ContainsAny(title, "\n\t")
}
