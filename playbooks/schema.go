package playbooks

import (
	"encoding/json"
	"maps"
	"slices"

	"nightshift/remediate"
)

// object is a node of the schema.
type object map[string]any

// Schema is the JSON Schema of playbooks in YAML, by which editors complete them and
// find what is wrong while one types: draft 7, which all of them know. It refuses
// nothing that [Parse] takes; what YAML can't say, only Parse finds.
func Schema() []byte {
	text, err := json.MarshalIndent(schema(), "", "  ")
	if err != nil {
		panic(err) // a tree of our own making: this can't happen
	}
	return append(text, '\n')
}

func schema() object {
	s := closed(object{
		"name":     say(tokenText, "one word, unique among all playbooks"),
		"match":    say(oneOrMore(object{"type": "string", "minLength": 1}), "matchers of its alerts, as in Alertmanager; all of them must match"),
		"target":   say(targetSchema, "what an incident is about; the name is looked up in the inventory"),
		"look":     say(object{"type": "array", "items": lookSchema()}, "what is kept as evidence before the first act"),
		"ladder":   say(object{"type": "array", "minItems": 1, "maxItems": maxRungs, "items": rungSchema()}, "the rungs, least invasive first"),
		"verify":   say(verifySchema(), "what must be seen to call it fixed"),
		"attempts": say(attemptsSchema(), "how often it may act on one thing"),
		"deadline": say(duration, "by then an incident is over or with people (default 30m)"),
		"autonomy": say(autonomy, "how far it may go alone"),
	}, "name", "target", "ladder")
	s["$schema"] = "http://json-schema.org/draft-07/schema#"
	s["title"] = "A playbook of Nightshift"
	s["if"] = object{"properties": object{"target": object{"const": "asked"}}}
	s["then"] = object{"not": object{"required": []string{"match"}}}
	s["else"] = object{"required": []string{"match", "verify"}, "properties": object{"verify": object{"required": []string{"healthy"}}}}
	return s
}

// closed is a mapping with these keys and no others.
func closed(properties object, required ...string) object {
	o := object{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// say adds what an editor shows.
func say(o object, means string) object {
	told := maps.Clone(o)
	told["description"] = means
	return told
}

// oneOrMore is a list, or its one entry without brackets.
func oneOrMore(of object) object {
	return object{"anyOf": []object{of, {"type": "array", "minItems": 1, "items": of}}}
}

func anyOf(all ...object) object { return object{"anyOf": all} }

func enum(words []string) object { return object{"type": "string", "enum": words} }

// The values. A scalar that YAML takes for a number is read as a text where one is
// wanted.
var (
	tokenText = object{"type": []string{"string", "integer"}, "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"}
	unitText  = object{"type": "string", "pattern": `^[A-Za-z0-9:_.\\@-]+\.(service|socket|target|timer|mount|automount|path|swap|slice)$`}
	anyText   = object{"type": []string{"string", "number", "boolean"}, "minLength": 1}
	duration  = object{"type": "string", "pattern": "^([0-9]+(y|w|d|h|ms|m|s))+$"}
	autonomy  = enum([]string{"observe", "approve", "act"})
)

// targetSchema is that of [aim].
var targetSchema = anyOf(
	enum([]string{"host", "asked"}),
	closed(object{"unit": anyOf(unitText, closed(object{"label": anyText}, "label"))}, "unit"),
	closed(object{"vm": anyOf(tokenText, closed(object{"label": anyText}, "label"))}, "vm"),
)

func lookSchema() object {
	choices := []object{enum(words(remediate.Sights))}
	for _, what := range remediate.Sights {
		value := object{"type": []string{"string"}}
		if _, ok := counts[what]; ok {
			value = anyOf(value, object{"type": "integer", "minimum": 1, "maximum": maxCount})
		}
		choices = append(choices, closed(object{string(what): value, keyOf: anyText}, string(what)))
	}
	return anyOf(choices...)
}

func rungSchema() object {
	return closed(object{
		"rung":     say(object{"type": []string{"string", "number", "boolean"}, "maxLength": maxTitle}, "what people call it"),
		"do":       say(oneOrMore(stepSchema()), "its steps, in this order; they are verified together"),
		"autonomy": say(autonomy, "how far this rung may go alone"),
	}, "rung", "do")
}

// stepSchema is that of [deed]: a mapping with one verb.
func stepSchema() object {
	on := anyOf(enum(words(remediate.Choices)), unitText)
	properties := object{
		"to":      say(enum(words(remediate.Sources)), "the image of a swap, a checkpoint or a proof"),
		"profile": say(tokenText, "whose limits, of the inventory's profiles"),
		"timeout": say(duration, "bounds the step (default 1m40s)"),
	}
	var one []object
	for _, verb := range verbs() {
		risk := remediate.Verbs[remediate.Verb(verb)].Risk
		properties[verb] = say(on, "risk "+risk.String()+": a unit, or a choice")
		one = append(one, object{"required": []string{verb}})
	}
	o := closed(properties)
	o["oneOf"] = one
	return o
}

func verifySchema() object {
	return closed(object{
		"healthy": say(anyOf(anyText, object{"type": "array", "items": anyText}), "probes of the inventory, unit:NAME, vm:NAME, or "+string(remediate.TheTarget)+", needs, site: what must be healthy"),
		"settle":  say(duration, "how long after a rung nothing is asked (default 5s)"),
		"window":  say(duration, "how long all must stay healthy (default 1m)"),
		"within":  say(duration, "bounds the whole (default settle and three windows)"),
		"every":   say(duration, "how often they are asked"),
	})
}

func attemptsSchema() object {
	return closed(object{
		"max":      say(object{"type": "integer", "minimum": 1, "maximum": maxAttempts}, "so many rungs that touch one thing (default 3)"),
		"per":      say(duration, "in this time (default 1h)"),
		"cooldown": say(duration, "between two incidents that touch it (default 10m)"),
	})
}

// Words are all that a playbook in YAML can say beside names and figures: for the
// documentation.
func Words() []string {
	return slices.Concat(verbs(), words(remediate.Choices), words(remediate.Sights), words(remediate.Sources))
}
