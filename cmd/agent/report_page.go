package main

import (
	"fmt"

	"nightshift/remediate"
)

// markdown is the draft. What stands in square brackets is for a person.
func (r *report) markdown() string {
	var m markdown
	m.line("# Incident " + string(r.Incident) + ": " + escaped(r.Title))
	m.line("")
	m.line("A draft from the agent's log. What stands in [square brackets] is for you to write. Times are " + zone(r.opened.Wall) + ".")
	r.facts(&m)
	m.heading(2, "Summary")
	m.line(escaped(r.summary()))
	m.line("")
	m.line("[What happened, whom it reached, and for how long: in three sentences, for somebody who was not there.]")
	r.times(&m)
	r.timeline(&m)
	r.actions(&m)
	r.words(&m)
	r.evidence(&m)
	for _, part := range [][2]string{
		{"Cause", "[Why it broke. A repair that works says where it hurt, not why.]"},
		{"What went well, what did not", "[Did the right alert come? Did the right thing happen first? Who was woken, and need they have been?]"},
		{"What will be done", "- [ ] [what, by whom, until when]"},
	} {
		m.heading(2, part[0])
		m.line(part[1])
	}
	return m.text.String()
}

func (r *report) facts(m *markdown) {
	m.line("")
	m.head("", "")
	m.row("State", r.Why)
	if r.Asked != "" {
		m.row("Asked", r.Asked)
	} else {
		m.row("Alert", r.Alert)
		m.row("Severity", fmt.Sprint(r.Severity))
	}
	m.row("Target", r.Target)
	m.row("Playbook", r.Playbook)
	if by := r.acknowledger(); by != "" && !r.Milestones.Answered.IsZero() {
		m.row("Taken by", by)
	}
}

func (r *report) times(m *markdown) {
	m.heading(2, "Times")
	m.head("What", "When", "Took")
	began := r.Milestones.Began
	if !began.IsZero() {
		m.row("the alert began", moment(began), "-")
	}
	noticed := "-"
	if !began.IsZero() {
		noticed = span(max(r.Milestones.Received.Wall.Sub(began), 0)) + " to notice"
	}
	m.row("the agent heard of it", moment(r.Milestones.Received.Wall), noticed)
	m.row("it began to act", at(r.Milestones.Acted, "never"), spanOr(r.ToAct, "-"))
	m.row("people were wanted", at(r.Milestones.Wanted, "never"), "-")
	m.row("the first of them answered", at(r.Milestones.Answered, "-"), spanOr(r.ToAcknowledge, "-"))
	m.row("fixed by the agent", at(r.Milestones.Fixed, "-"), spanOr(r.ToFix, "-"))
	m.row("over", r.ended(), "-")
}

// at is a milestone, or what stands in for one that did not come.
func at(i remediate.Instant, none string) string {
	if i.IsZero() {
		return none
	}
	return moment(i.Wall)
}

func (r *report) timeline(m *markdown) {
	m.heading(2, "Timeline")
	m.head("Time", "After", "What")
	day := ""
	for _, e := range r.Timeline {
		when := e.At.Local().Format("15:04:05")
		if d := e.At.Local().Format("2006-01-02"); d != day {
			day, when = d, d+" "+when
		}
		m.row(when, "+"+span(e.after), e.What)
	}
}

func (r *report) actions(m *markdown) {
	m.heading(2, "Actions")
	if len(r.Actions) == 0 {
		m.line("None.")
		return
	}
	m.head("Time", "Rung", "Step", "Risk", "Took", "Result", "Verification")
	for _, a := range r.Actions {
		took := "-"
		if a.Took > 0 {
			took = span(a.Took)
		}
		m.row(a.At.Local().Format("15:04:05"), a.Rung, a.Step, a.Risk, took, reasoned(orDash(a.Result), "", a.Detail), orDash(a.Outcome))
	}
}

func (r *report) words(m *markdown) {
	m.heading(2, "What people said")
	if len(r.Said) == 0 {
		m.line("Nothing.")
		return
	}
	m.head("Time", "Who", "What", "Their words")
	for _, w := range r.Said {
		m.row(w.At.Local().Format("15:04:05"), w.By, w.Verb, orDash(w.Comment))
	}
}

func (r *report) evidence(m *markdown) {
	m.heading(2, "Evidence")
	if len(r.Evidence) == 0 {
		m.line("None was taken.")
	}
	for n, e := range r.Evidence {
		if n > 0 {
			m.line("")
		}
		m.line("### " + escaped(sightName(e.Look)))
		m.line("")
		if e.Error != "" {
			m.line("Could not be seen: " + escaped(e.Error))
			continue
		}
		m.fenced(textLines(e.Text))
	}
}
