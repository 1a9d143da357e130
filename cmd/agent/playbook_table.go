package main

import (
	"fmt"
	"strings"

	"nightshift/remediate"
)

// tellPlaybook writes a playbook as one reads it: when, what, and how it is judged.
func tellPlaybook(s screen, shown shownPlaybook) {
	r := shown.Record
	field := func(name, value string) { s.line(in(faint, fmt.Sprintf("  %-9s", name)), say(value)) }
	s.line(in(bold, r.Name), say(", level "), in(levelStyle(r), levelWords(r.Autonomy)), say(", at most "+levelWords(r.Inventory)))
	if why := levelWhy(r); why != "" {
		field("why", why)
	}
	field("record", recordWords(shown))
	p := shown.Playbook
	if p == nil {
		field("recipe", "this program does not have it: ask on its host")
		return
	}
	for _, matches := range shown.Matches {
		field("alerts", matches)
	}
	field("target", targetWords(p.Target))
	for n, rung := range p.Ladder {
		field(fmt.Sprintf("rung %d", n+1), rung.Name+": "+moveWords(rung))
	}
	field("healthy", fmt.Sprintf("%s, for %s", strings.Join(p.Verify.Healthy, ", "), span(p.Verify.Window)))
	field("attempts", fmt.Sprintf("%d in %s, %s apart", p.Attempts.Max, span(p.Attempts.Per), span(p.Attempts.Cooldown)))
	field("deadline", span(p.Deadline))
}

// recordWords is what came of a playbook.
func recordWords(shown shownPlaybook) string {
	r := shown.Record
	words := count(r.Attempts, "attempt")
	if verified := counted(r.Verified, remediate.Outcomes, ""); verified != "" {
		words += ": " + strings.ReplaceAll(verified, "_", " ")
	}
	if n := r.Ended[remediate.Observed]; n > 0 {
		words += fmt.Sprintf("; only observed %s, of which people carried out %d themselves", times(n), r.ByPeople)
	}
	return words
}

// times is a number of times.
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// targetWords says what an incident of a playbook is about.
func targetWords(t remediate.TargetRule) string {
	switch {
	case t.Host:
		return "the host"
	case t.Unit != "":
		return remediate.Unit(t.Unit).String()
	case t.UnitLabel != "":
		return "the unit in the alert's label " + t.UnitLabel
	case t.VM != "":
		return remediate.VM(t.VM).String()
	case t.VMLabel != "":
		return "the virtual machine in the alert's label " + t.VMLabel
	}
	return "what a person names"
}

// moveWords are the steps of a rung before anything is chosen.
func moveWords(rung remediate.Rung) string {
	var words []string
	for _, move := range rung.Do {
		on := move.On.Unit
		if on == "" {
			on = "(" + string(move.On.What) + ")"
		}
		words = append(words, string(move.Do)+" "+on)
	}
	return strings.Join(words, ", ")
}
