package main

import (
	"fmt"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// incidentTable lists incidents. FOR is how long each took, or has taken by now.
func incidentTable(incidents []oncall.Summary, now time.Time) *table {
	t := &table{head: []string{"ID", "STATE", "OPENED", "FOR", "PLAYBOOK", "TARGET", "TRIED", "WHY"}}
	for _, i := range incidents {
		end := now
		if !i.State.Live() {
			end = i.Since
		}
		t.add(in(bold, string(i.ID)), in(stateStyle(i.State), string(i.State)), say(moment(i.Opened)),
			say(span(max(end.Sub(i.Opened), 0))), say(orDash(i.Playbook)), say(orDash(i.Target.String())),
			say(fmt.Sprint(len(i.Tried))), say(cause(i)+why(i)))
	}
	return t
}

// cause is the alert, or the person, that an incident is of.
func cause(i oncall.Summary) string {
	if i.AskedBy != "" {
		return "asked by " + i.AskedBy
	}
	return i.Alert
}

// why is what made an incident's state, after its alert's name.
func why(i oncall.Summary) string {
	words := reasoned("", string(i.Reason), oneLine(i.Detail))
	if i.By != "" {
		words += " by " + i.By
	}
	return words
}

// stateStyle is green for what is well, red for what people have to do, yellow for
// what goes on.
func stateStyle(s remediate.State) style {
	switch s {
	case remediate.Resolved, remediate.Cleared:
		return green
	case remediate.Escalated, remediate.Held:
		return red
	case remediate.Closed, remediate.Declined, remediate.Suppressed, remediate.Observed:
		return plain
	}
	return yellow
}

// healthStyle is how an answer of a probe looks.
func healthStyle(h remediate.Health) style {
	switch h {
	case remediate.Healthy:
		return green
	case remediate.Unhealthy:
		return red
	}
	return yellow
}
