package main

import (
	"fmt"
	"strings"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// tellPlaybook writes a playbook as one reads it: when, what, and how it is judged.
func tellPlaybook(s screen, shown shownPlaybook) {
	r := shown.Record
	field := func(name, value string) { s.line(in(faint, fmt.Sprintf("  %-9s", name)), say(value)) }
	if shown.Off {
		s.line(in(bold, r.Name), say(", off: the inventory does not list it"))
	} else {
		tellLevel(s, r)
		field("record", recordWords(shown))
	}
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
		field(fmt.Sprintf("rung %d", n+1), rung.Name+": "+moveWords(rung)+" ("+permissionWords(rung)+")")
	}
	if len(p.Verify.Healthy) == 0 {
		field("healthy", "nothing is asked: the receipt says it")
	} else {
		field("healthy", fmt.Sprintf("%s, for %s", strings.Join(p.Verify.Healthy, ", "), span(p.Verify.Window)))
	}
	field("attempts", fmt.Sprintf("%d in %s, %s apart", p.Attempts.Max, span(p.Attempts.Per), span(p.Attempts.Cooldown)))
	field("deadline", span(p.Deadline))
}

// tellLevel writes how far a playbook may go, and why.
func tellLevel(s screen, r oncall.PlaybookRecord) {
	s.line(in(bold, r.Name), say(", level "), in(levelStyle(r), levelWords(r.Autonomy)), say(", at most "+levelWords(r.Inventory)))
	if why := levelWhy(r); why != "" {
		s.line(in(faint, "  why      "), say(why))
	}
}

// permissionWords are a rung's risk, and whether that or its author has a person
// approve it.
func permissionWords(rung remediate.Rung) string {
	risk := remediate.Observe
	for _, move := range rung.Do {
		risk = max(risk, remediate.Verbs[move.Do].Risk)
	}
	switch {
	case rung.Autonomy == remediate.WatchOnly:
		return "risk " + risk.String() + ", only observed"
	case rung.Autonomy == remediate.Approve, risk >= remediate.Reset:
		return "risk " + risk.String() + ", a person approves"
	}
	return "risk " + risk.String()
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
		step := string(move.Do) + " " + on
		if move.To != "" {
			step += " to " + string(move.To)
		}
		if move.Profile != "" {
			step += " of " + move.Profile
		}
		words = append(words, step)
	}
	return strings.Join(words, ", ")
}
