package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// tell writes the story of an incident for somebody who was woken by it: what it
// is, what happened when, and what was tried.
func tell(s screen, story oncall.Story, allEvidence bool, now time.Time) {
	tellHead(s, &story.Incident, now)
	tellHeld(s, &story.Incident, now)
	s.line()
	t := teller{screen: s, opened: story.Incident.OpenedAt, allEvidence: allEvidence}
	for _, entry := range story.Entries {
		t.tell(entry)
	}
	if rungs := rungTable(&story.Incident); len(rungs.rows) > 0 {
		s.line()
		rungs.write(s)
	}
}

func tellHead(s screen, i *remediate.Incident, now time.Time) {
	s.line(in(bold, string(i.ID)), say("  "), in(stateStyle(i.State), reasoned(string(i.State), string(i.Reason), oneLine(i.Detail))))
	field := func(name, value string) { s.line(in(faint, fmt.Sprintf("  %-9s", name)), say(value)) }
	if i.Asked != nil {
		field("asked", askedText(*i.Asked))
	} else {
		field("alert", alertText(i.Alert)+firing(i))
	}
	field("target", orDash(i.Target.String()))
	field("playbook", orDash(i.Playbook.Name))
	field("opened", moment(i.OpenedAt.Wall)+i.OpenedAt.Wall.Local().Format(" MST")+", "+lasted(i, now))
	if i.Follows != "" {
		field("follows", string(i.Follows))
	}
	if i.By != "" {
		field("by", reasoned(i.By, "", oneLine(i.Comment)))
	}
}

// askedText is what a person asked for, and why.
func askedText(a remediate.Asked) string {
	text := "by " + a.By
	if what := cmp.Or(a.Checkpoint, a.Image); what != "" {
		text += ": " + what
	}
	return reasoned(text, oneLine(a.Comment), "")
}

// alertText is an alert with the labels that tell it from others.
func alertText(a alerts.Alert) string {
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		if name != "alertname" {
			labels = append(labels, fmt.Sprintf("%s=%q", name, a.Labels[name]))
		}
	}
	return orDash(a.Name()) + "{" + strings.Join(labels, ", ") + "}"
}

func firing(i *remediate.Incident) string {
	if i.Firing {
		return ", firing"
	}
	return ", no longer firing"
}

// lasted is how long an incident took, or has taken, or has been with people.
func lasted(i *remediate.Incident, now time.Time) string {
	switch {
	case !i.State.Live():
		return "over after " + span(i.Since.Since(i.OpenedAt))
	case i.State == remediate.Escalated:
		return "with people since " + moment(i.Since.Wall)
	}
	return "for " + span(max(now.Sub(i.OpenedAt.Wall), 0)) + " now"
}

// rungTable says what came of each rung, and which were not needed.
func rungTable(i *remediate.Incident) *table {
	t := &table{head: []string{"#", "RUNG", "RISK", "STARTED", "TOOK", "OUTCOME", "STEPS"}}
	var rungs []remediate.PlannedRung
	if i.Plan != nil {
		rungs = i.Plan.Rungs
	}
	last := -1
	for _, tried := range i.Tried {
		t.add(triedRow(tried, rungs, i.OpenedAt)...)
		last = tried.Rung
	}
	for n := last + 1; n < len(rungs); n++ {
		rung := rungs[n]
		t.add(in(faint, fmt.Sprint(n+1)), in(faint, rung.Name), in(faint, rung.Risk().String()),
			say("-"), say("-"), in(faint, "not tried"), in(faint, stepNames(rung)))
	}
	return t
}

// triedRow is one rung that was climbed. Where its plan is gone, the receipts are
// what is left.
func triedRow(tried remediate.Tried, rungs []remediate.PlannedRung, opened remediate.Instant) []piece {
	risk, steps := "-", count(len(tried.Results), "step")
	if tried.Rung < len(rungs) {
		rung := rungs[tried.Rung]
		risk, steps = rung.Risk().String(), stepResults(rung, tried.Results)
	}
	took := "-"
	if !tried.Ended.IsZero() {
		took = span(tried.Ended.Since(tried.Started))
	}
	return []piece{
		say(fmt.Sprint(tried.Rung + 1)), say(tried.Name), say(risk), say("+" + span(tried.Started.Since(opened))),
		say(took), in(outcomeStyle(tried.Outcome), outcomeWords(tried.Outcome)), say(steps),
	}
}

func stepNames(rung remediate.PlannedRung) string {
	var names []string
	for n := range rung.Steps {
		names = append(names, stepWords(rung, n))
	}
	return strings.Join(names, ", ")
}

// stepResults is each step with what came of it.
func stepResults(rung remediate.PlannedRung, results []remediate.Receipt) string {
	var steps []string
	for n, step := range rung.Steps {
		result := "not done"
		if n < len(results) {
			result = string(results[n].Result)
		}
		steps = append(steps, step.Full()+": "+result)
	}
	return strings.Join(steps, ", ")
}

// outcomeWords is an outcome as people say it; none yet is "…".
func outcomeWords(o remediate.Outcome) string {
	if o == "" {
		return "…"
	}
	return strings.ReplaceAll(string(o), "_", " ")
}

func outcomeStyle(o remediate.Outcome) style {
	switch o {
	case remediate.Fixed:
		return green
	case remediate.NotFixed:
		return red
	}
	return yellow
}
