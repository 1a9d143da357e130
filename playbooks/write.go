package playbooks

import (
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"

	"nightshift/remediate"
	"nightshift/remediate/strict"
)

// SchemaFile is the name under which editors look for the schema of playbooks, beside
// them.
const SchemaFile = "playbook.schema.json"

// Write is the YAML of a playbook, however it was written: [Parse] reads it back as an
// equal one. Its first line tells editors where the schema lies.
func Write(p remediate.Playbook) []byte {
	doc := mapping(0)
	doc.add("name", text(p.Name))
	if exprs := p.Match.Strings(); len(exprs) > 0 {
		doc.add("match", quoted(exprs))
	}
	doc.add("target", writeTarget(p.Target))
	if len(p.Look) > 0 {
		looks := list(yaml.FlowStyle)
		for _, l := range p.Look {
			looks.Content = append(looks.Content, writeLook(l))
		}
		doc.add("look", looks)
	}
	rungs := list(0)
	for _, r := range p.Ladder {
		rungs.Content = append(rungs.Content, writeRung(r).Node)
	}
	doc.add("ladder", rungs)
	doc.addAny("verify", writeVerify(p.Verify))
	doc.addAny("attempts", writeAttempts(p.Attempts))
	doc.addTime("deadline", p.Deadline)
	doc.addLevel(p.Autonomy)
	out, err := yaml.Dump(doc.Node, yaml.WithLineWidth(-1))
	if err != nil {
		panic(err) // a tree of our own making: this can't happen
	}
	return append([]byte("# yaml-language-server: $schema="+SchemaFile+"\n"), out...)
}

// entries is a mapping that is written.
type entries struct{ *yaml.Node }

func mapping(style yaml.Style) entries {
	return entries{&yaml.Node{Kind: yaml.MappingNode, Style: style}}
}

func list(style yaml.Style, items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Style: style, Content: items}
}

// text is a scalar that is read back as a text, whatever it looks like.
func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

// bare is a scalar that is no text: a number, a duration.
func bare(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: value} }

// quoted are texts in single quotes, in which a matcher need not escape anything.
func quoted(values []string) *yaml.Node {
	all := list(yaml.FlowStyle)
	for _, value := range values {
		all.Content = append(all.Content, &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.SingleQuotedStyle, Value: value})
	}
	return all
}

func (e entries) add(key string, value *yaml.Node) {
	e.Content = append(e.Content, bare(key), value)
}

// addAny adds a mapping that is not empty.
func (e entries) addAny(key string, value entries) {
	if len(value.Content) > 0 {
		e.add(key, value.Node)
	}
}

// addTime adds a duration that is said.
func (e entries) addTime(key string, d time.Duration) {
	if d > 0 {
		e.add(key, bare(strict.Spell(d)))
	}
}

// addLevel adds an autonomy that has a say.
func (e entries) addLevel(a remediate.Autonomy) {
	if a != remediate.Unset {
		e.add("autonomy", bare(a.String()))
	}
}

// of is the flow mapping of one key.
func of(key string, value *yaml.Node) *yaml.Node {
	one := mapping(yaml.FlowStyle)
	one.add(key, value)
	return one.Node
}

func writeTarget(t remediate.TargetRule) *yaml.Node {
	switch {
	case t.Host:
		return bare("host")
	case t.Unit != "":
		return of("unit", text(t.Unit))
	case t.UnitLabel != "":
		return of("unit", of("label", text(t.UnitLabel)))
	case t.VM != "":
		return of("vm", text(t.VM))
	case t.VMLabel != "":
		return of("vm", of("label", text(t.VMLabel)))
	}
	return bare("asked")
}

func writeLook(l remediate.Look) *yaml.Node {
	number := 0
	if counted, ok := counts[l.What]; ok {
		number = *counted(&l)
	}
	switch {
	case number == 0 && l.Of == "":
		return bare(string(l.What))
	case number == 0:
		return of(string(l.What), text(l.Of))
	}
	look := entries{of(string(l.What), bare(strconv.Itoa(number)))}
	if l.Of != "" {
		look.add(keyOf, text(l.Of))
	}
	return look.Node
}

func writeRung(r remediate.Rung) entries {
	rung := mapping(0)
	rung.add("rung", text(r.Name))
	rung.addLevel(r.Autonomy)
	steps := list(yaml.FlowStyle)
	for _, m := range r.Do {
		step := mapping(yaml.FlowStyle)
		on := m.On.Unit
		if on == "" {
			on = string(m.On.What)
		}
		step.add(string(m.Do), text(on))
		if m.To != "" {
			step.add("to", bare(string(m.To)))
		}
		if m.Profile != "" {
			step.add("profile", text(m.Profile))
		}
		step.addTime("timeout", m.Timeout)
		steps.Content = append(steps.Content, step.Node)
	}
	rung.add("do", steps)
	return rung
}

func writeVerify(v remediate.Verify) entries {
	verify := mapping(yaml.FlowStyle)
	if len(v.Healthy) > 0 {
		names := list(yaml.FlowStyle)
		for _, name := range v.Healthy {
			names.Content = append(names.Content, text(name))
		}
		verify.add("healthy", names)
	}
	verify.addTime("settle", v.Settle)
	verify.addTime("window", v.Window)
	verify.addTime("within", v.Within)
	verify.addTime("every", v.Every)
	return verify
}

func writeAttempts(a remediate.Attempts) entries {
	attempts := mapping(yaml.FlowStyle)
	if a.Max > 0 {
		attempts.add("max", bare(strconv.Itoa(a.Max)))
	}
	attempts.addTime("per", a.Per)
	attempts.addTime("cooldown", a.Cooldown)
	return attempts
}
