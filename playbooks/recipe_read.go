package playbooks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"nightshift/remediate"
	"nightshift/remediate/strict"
)

// ReadYAML reads host, asked, {unit: NAME}, {unit: {label: NAME}}, and the same of vm.
func (a *aim) ReadYAML(r *strict.Reading, node *yaml.Node, path string) {
	if node.Kind == yaml.ScalarNode {
		switch node.Value {
		case "host":
			a.Host = true
		case "asked":
			a.Asked = true
		default:
			r.Fail(node, path, "%s is no target: expected host, asked, {unit: NAME}, {unit: {label: NAME}} or the same with vm", strict.KindOf(node))
		}
		return
	}
	found := 0
	r.EachEntry(node, path, func(key, value *yaml.Node) {
		at := strict.Join(path, key.Value)
		found++
		switch key.Value {
		case "unit":
			a.Unit, a.UnitLabel = named(r, value, at)
		case "vm":
			a.VM, a.VMLabel = named(r, value, at)
		default:
			r.UnknownKey(key, path, []string{"unit", "vm"})
		}
	})
	if found != 1 && node.Kind == yaml.MappingNode {
		r.Fail(node, path, "a target is one thing, found %d: expected either unit or vm", found)
	}
}

// named reads NAME or {label: NAME}.
func named(r *strict.Reading, node *yaml.Node, path string) (name, label string) {
	if node.Kind != yaml.MappingNode {
		r.Into(node, &name, path)
		return name, ""
	}
	var by struct {
		Label string `yaml:"label"`
	}
	r.Into(node, &by, path)
	r.Need(path, "label", "the alert's label whose value is the name")
	return "", by.Label
}

// counts says what a number beside a kind of evidence bounds; beside the others there
// can be none.
var counts = map[remediate.Sight]func(*remediate.Look) *int{
	remediate.SeeJournal:   func(l *remediate.Look) *int { return &l.Lines },
	remediate.SeeConsole:   func(l *remediate.Look) *int { return &l.Lines },
	remediate.SeeProcesses: func(l *remediate.Look) *int { return &l.Count },
}

// keyOf says of what a piece of evidence is, beside a number.
const keyOf = "of"

// ReadYAML reads a kind of evidence, {kind: how many}, {kind: of what}, or both.
func (g *glance) ReadYAML(r *strict.Reading, node *yaml.Node, path string) {
	if node.Kind == yaml.ScalarNode {
		g.What = sight(r, node, path)
		return
	}
	var kinds []string
	r.EachEntry(node, path, func(key, value *yaml.Node) {
		at := strict.Join(path, key.Value)
		if key.Value == keyOf {
			r.Into(value, &g.Of, at)
			return
		}
		kinds = append(kinds, key.Value)
		if g.What = sight(r, key, path); g.What != "" {
			g.readValue(r, value, at)
		}
	})
	if len(kinds) != 1 && node.Kind == yaml.MappingNode {
		r.Fail(node, path, "expected one kind of evidence, found %d", len(kinds))
	}
}

// readValue reads what stands beside a kind: a number, or a name.
func (g *glance) readValue(r *strict.Reading, value *yaml.Node, path string) {
	if _, err := strconv.Atoi(value.Value); value.Kind != yaml.ScalarNode || err != nil {
		r.Into(value, &g.Of, path)
		return
	}
	counted, ok := counts[g.What]
	if !ok {
		r.Fail(value, path, "there is no number of %s: expected what it is of, or the word alone", g.What)
		return
	}
	r.Into(value, counted(&g.Look), path)
	r.Between(path, *counted(&g.Look), 1, maxCount)
}

// maxCount bounds the lines and the entries of evidence, of which 4 KiB are in an event
// at once.
const maxCount = 1000

// sight reads a kind of evidence.
func sight(r *strict.Reading, node *yaml.Node, path string) remediate.Sight {
	what := remediate.Sight(node.Value)
	if !slices.Contains(remediate.Sights, what) {
		r.Fail(node, path, "%s is no kind of evidence%s", strict.KindOf(node), strict.HintOrAll(node.Value, words(remediate.Sights)))
		return ""
	}
	return what
}

// words are values as texts.
func words[T ~string](of []T) []string {
	texts := make([]string, len(of))
	for n, value := range of {
		texts[n] = string(value)
	}
	return texts
}

// verbs are the words that a step can be, in alphabetical order.
func verbs() []string {
	var all []string
	for verb := range remediate.Verbs {
		all = append(all, string(verb))
	}
	slices.Sort(all)
	return all
}

// besideVerb are the keys that a step can have beside its verb.
var besideVerb = []string{"to", "profile", "timeout"}

// ReadYAML reads {verb: what it is done to}, with what stands beside it.
func (d *deed) ReadYAML(r *strict.Reading, node *yaml.Node, path string) {
	var found []string
	r.EachEntry(node, path, func(key, value *yaml.Node) {
		at := strict.Join(path, key.Value)
		switch _, isVerb := remediate.Verbs[remediate.Verb(key.Value)]; {
		case isVerb:
			found = append(found, key.Value)
			d.Do = remediate.Verb(key.Value)
			r.Into(value, (*chosen)(&d.On), at)
		case key.Value == "to":
			r.Into(value, (*source)(&d.To), at)
		case key.Value == "profile":
			r.Into(value, &d.Profile, at)
		case key.Value == "timeout":
			r.Into(value, &d.Timeout, at)
		default:
			found = append(found, key.Value)
			r.UnknownKey(key, path, slices.Concat(verbs(), besideVerb))
		}
	})
	if len(found) != 1 && (node.Kind == yaml.MappingNode || strict.IsEmpty(node)) {
		r.Fail(node, path, "a step is one verb and what it is done to, like {restart: target}; found %d verbs", len(found))
	}
}

// chosen is a selector: one of the choices, or the name of a unit.
type chosen remediate.Selector

// UnmarshalText tells the choices from units: these have a suffix.
func (c *chosen) UnmarshalText(text []byte) error {
	word := string(text)
	if slices.Contains(remediate.Choices, remediate.Choice(word)) {
		c.What = remediate.Choice(word)
		return nil
	}
	if !strings.Contains(word, ".") {
		return fmt.Errorf("%s chooses nothing: it is no unit, which has a suffix, and no choice%s", strict.Quote(word), strict.HintOrAll(word, words(remediate.Choices)))
	}
	c.Unit = word
	if why := strict.WrongUnit(word); why != "" {
		return fmt.Errorf("%s", why)
	}
	return nil
}

// source is what a swap puts in place, and what a checkpoint or a proof is of.
type source remediate.Source

// UnmarshalText reads one of the sources.
func (s *source) UnmarshalText(text []byte) error {
	*s = source(text)
	if !slices.Contains(remediate.Sources, remediate.Source(text)) {
		return fmt.Errorf("%s is no image%s", strict.Quote(string(text)), strict.HintOrAll(string(text), words(remediate.Sources)))
	}
	return nil
}
