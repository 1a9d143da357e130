package rehearsal

import (
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/strict"
)

// Known is what the tests of a file may name.
type Known struct {
	Config engine.Config
	// Probes are the inventory's.
	Probes []string
}

// Check finds what the tests name and the inventory does not have. What is wrong comes
// as [strict.Errors].
func (s *Suite) Check(k Known) error {
	c := &knowing{r: s.reading, k: k}
	for _, p := range slices.Concat(k.Config.Playbooks, k.Config.Asked) {
		c.playbooks = append(c.playbooks, p.Name)
	}
	c.units = slices.Sorted(maps.Keys(k.Config.Inventory.Units))
	c.vms = slices.Sorted(maps.Keys(k.Config.Inventory.VMs))
	for n, t := range s.Tests {
		c.test(t, strict.Item("tests", n))
	}
	return s.reading.Err()
}

// knowing is that check under way.
type knowing struct {
	r                     *strict.Reading
	k                     Known
	playbooks, units, vms []string
}

func (c *knowing) test(t Test, at string) {
	world := strict.Join(at, "world")
	for name, changes := range t.World {
		c.state(name, strict.Join(world, name), changes)
	}
	for source, word := range t.Images {
		path := strict.Join(strict.Join(at, "images"), source)
		c.among(source, words(sources), path, "image that a VM could go back to")
		c.among(word, imageWords, path, "grade")
	}
	if t.Busiest != "" {
		c.among(t.Busiest, c.units, strict.Join(at, "busiest"), "unit of the inventory")
	}
	for unit := range t.Dependants {
		if path := strict.Join(strict.Join(at, "dependants"), unit); !slices.Contains(c.units, unit) {
			c.r.WrongKey(path, "the inventory has no unit %s%s", strict.Quote(unit), strict.DidYouMean(unit, c.units))
		}
	}
	for step, deeds := range t.Steps {
		c.step(step, strict.Join(strict.Join(at, "steps"), step))
		for n, d := range deeds {
			path := strings.TrimSuffix(deedPath(at, step, n, c.r), ".result")
			for name, to := range d.Then {
				c.state(name, strict.Join(strict.Join(path, "then"), name), Timeline{{State: to}})
			}
		}
	}
	for n, p := range t.People {
		if p.Playbook != "" {
			c.among(p.Playbook, c.playbooks, strict.Join(strict.Item(strict.Join(at, "people"), n), "playbook"), "playbook that is on")
		}
	}
	for n, e := range t.Expect {
		path := strict.Item(strict.Join(at, "expect"), n)
		if e.Playbook != "" {
			c.among(e.Playbook, c.playbooks, strict.Join(path, "playbook"), "playbook that is on")
		}
		for i, step := range e.Steps {
			c.step(step, strict.Item(strict.Join(path, "steps"), i))
		}
	}
}

// state finds what is wrong with how something is said to be: what it is, the
// inventory knows.
func (c *knowing) state(name, path string, changes Timeline) {
	allowed := c.wordsFor(name)
	if allowed == nil {
		known := slices.Concat(c.k.Probes, c.units, c.vms)
		c.r.WrongKey(path, "the inventory has no probe, unit or VM %s%s", strict.Quote(name), strict.DidYouMean(name, known))
		return
	}
	for _, change := range changes {
		at := path
		if moment := strict.Join(path, strict.Spell(time.Duration(change.At))); c.r.Has(moment) {
			at = moment
		}
		c.among(change.Word, allowed, at, "word for how it is")
	}
}

// wordsFor are the words for how something of that name can be.
func (c *knowing) wordsFor(name string) []string {
	unit, ofUnit := remediate.ProbedUnit(name)
	vm, ofVM := remediate.ProbedVM(name)
	switch {
	case slices.Contains(c.k.Probes, name), ofUnit && slices.Contains(c.units, unit), ofVM && slices.Contains(c.vms, vm):
		return probeWords
	case slices.Contains(c.units, name):
		return unitWords
	case slices.Contains(c.vms, name):
		return vmWords
	}
	return nil
}

// step finds what is wrong with the words of a step: a verb, and what it is done on.
func (c *knowing) step(step, path string) {
	verb, on, _ := strings.Cut(step, " ")
	on, _, _ = strings.Cut(on, " ") // a swap goes on with the image
	verbs := words(slices.Sorted(maps.Keys(remediate.Verbs)))
	if !slices.Contains(verbs, verb) {
		c.r.WrongKey(path, "%s is no step: expected a verb and what it is done on, as in `restart nginx.service`%s", strict.Quote(step), strict.HintOrAll(verb, verbs))
		return
	}
	if known := slices.Concat(c.units, c.vms); !slices.Contains(known, on) {
		c.r.WrongKey(path, "the inventory has no unit or VM %s%s", strict.Quote(on), strict.DidYouMean(on, known))
	}
}

func (c *knowing) among(word string, known []string, path, what string) {
	if !slices.Contains(known, word) {
		c.r.Wrong(path, "%s is no %s%s", strict.Quote(word), what, strict.HintOrAll(word, known))
	}
}
