package playbooks

import (
	"slices"

	"nightshift/remediate"
	"nightshift/remediate/strict"
)

func (c *checker) checkLadder() {
	c.Need("", "ladder", "the rungs, least invasive first, like [{rung: restart it, do: [{restart: target}]}]")
	if c.Has("ladder") && (len(c.Ladder) == 0 || len(c.Ladder) > maxRungs) {
		c.Wrong("ladder", "expected 1 to %d rungs, found %d", maxRungs, len(c.Ladder))
	}
	titles := map[string]bool{}
	for n, rung := range c.Ladder {
		path := strict.Item("ladder", n)
		c.Need(path, "rung", "what people call it, like restart it")
		c.Need(path, "do", "its steps, like [{restart: target}]")
		if title := strict.Join(path, "rung"); c.Has(title) {
			switch {
			case !plainTitle(rung.Rung):
				c.Wrong(title, "expected at most %d characters on one line", maxTitle)
			case titles[rung.Rung]:
				c.Wrong(title, "%s is there twice", strict.Quote(rung.Rung))
			}
			titles[rung.Rung] = true
		}
		c.checkSteps(strict.Join(path, "do"), rung)
	}
}

func (c *checker) checkSteps(path string, rung stage) {
	if c.Has(path) && (len(rung.Do) == 0 || len(rung.Do) > maxSteps) {
		c.Wrong(path, "expected 1 to %d steps, found %d", maxSteps, len(rung.Do))
	}
	for n, d := range rung.Do {
		at := strict.Item(path, n)
		if d.Do == "" {
			continue // that has been noted
		}
		c.checkChoice(strict.Join(at, string(d.Do)), d)
		c.checkImage(at, d)
		c.checkProfile(at, d)
	}
	c.checkExchange(path, rung)
}

// forVMs are the verbs that are for virtual machines alone, each with the images that
// it can be told; none where it has no image.
var forVMs = map[remediate.Verb][]remediate.Source{
	remediate.VerbCont:       {},
	remediate.VerbReset:      {},
	remediate.VerbPowerDown:  {},
	remediate.VerbBoot:       {},
	remediate.VerbSwap:       {remediate.LastKnownGood, remediate.BeforeSwap, remediate.SetAside, remediate.WasAsked},
	remediate.VerbCheckpoint: {remediate.ToBeMade},
	remediate.VerbPromote:    {remediate.WasAsked},
	remediate.VerbProve:      {remediate.WasAsked},
}

// checkChoice notes a verb that can't be done to what is chosen.
func (c *checker) checkChoice(path string, d deed) {
	_, forVM := forVMs[d.Do]
	why := ""
	if d.On.What != "" {
		why = c.choosesNothing(d.On.What)
	}
	onVM := slices.Contains([]remediate.Choice{remediate.TheTarget, remediate.PausedVM, remediate.StuckVM}, d.On.What) && c.ofVM()
	switch {
	case why != "":
		c.Wrong(path, "%s", why)
	case forVM && !onVM && (d.On.What != "" || d.On.Unit != ""):
		c.WrongKey(path, "%s is for virtual machines: expected target, paused or stuck, and a target that is one", d.Do)
	case !forVM && onVM && !c.ofUnit():
		c.WrongKey(path, "%s is for units, and the target is a virtual machine; expected %s", d.Do, strict.OneOf(words(forMachines())))
	}
}

// forMachines are the verbs that an incident of a VM has for it.
func forMachines() []remediate.Verb {
	var all []remediate.Verb
	for verb := range forVMs {
		all = append(all, verb)
	}
	slices.Sort(all)
	return all
}

// checkImage notes an image that a verb lacks, or can't have.
func (c *checker) checkImage(path string, d deed) {
	to, sources := strict.Join(path, "to"), forVMs[d.Do]
	switch given := c.Has(to); {
	case given && len(sources) == 0:
		c.WrongKey(to, "%s has no image: take it out", d.Do)
	case !given && len(sources) > 0:
		c.Fail(c.Value(path), to, "to is missing: expected %s", strict.OneOf(words(sources)))
	case given && d.To != "" && !slices.Contains(sources, d.To):
		c.Wrong(to, "%s can't be told %s: expected %s", d.Do, d.To, strict.OneOf(words(sources)))
	case (d.To == remediate.WasAsked || d.To == remediate.ToBeMade) && !c.Target.Asked:
		c.Wrong(to, "nobody is asked for an image where an alert starts it: expected last-known-good, before or set-aside")
	}
}

// checkProfile notes a profile that a step lacks, or can't have.
func (c *checker) checkProfile(path string, d deed) {
	at := strict.Join(path, "profile")
	needs := d.Do == remediate.VerbLimit || d.Do == remediate.VerbUnlimit || d.On.What == remediate.ItsProfile
	switch {
	case needs && !c.Has(at):
		c.Fail(c.Value(path), at, "profile is missing: whose limits, or whose units, of the inventory's `profiles`")
	case !needs && c.Has(at):
		c.WrongKey(at, "%s has no profile: take it out", d.Do)
	case c.Has(at) && d.Profile != "" && !strict.IsToken(d.Profile):
		c.Wrong(at, "%s is no name of a profile: %s", strict.Quote(d.Profile), strict.TokenIs)
	}
}

// checkExchange holds a rung to the order in which disks are exchanged: a VM that is
// taken down is taken up again, and its disks are touched only in between.
func (c *checker) checkExchange(path string, rung stage) {
	down := -1
	for n, d := range rung.Do {
		at := strict.Item(path, n)
		switch d.Do {
		case remediate.VerbPowerDown:
			down = n
		case remediate.VerbBoot:
			down = -1
		case remediate.VerbSwap:
			if down < 0 {
				c.Fail(c.Value(at), at, "swap needs the virtual machine down: expected power-down before it, in the same rung")
			}
		}
	}
	if down >= 0 {
		at := strict.Item(path, down)
		c.Fail(c.Value(at), at, "what is powered down must come up again: expected boot after it, in the same rung")
	}
}
