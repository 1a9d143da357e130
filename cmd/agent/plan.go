package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// tellRung writes exactly what a rung would do: each step, and of an exchange of
// disks what goes back, to what, and what stays.
func tellRung(s screen, rung remediate.PlannedRung, now time.Time) {
	s.line(in(bold, "  "+rung.Name), say(fmt.Sprintf(", risk %s, digest %s", rung.Risk(), short(rung.Digest))))
	for n, step := range rung.Steps {
		s.line(say(fmt.Sprintf("    %d. %s", n+1, stepWords(rung, n))))
		if step.Image != nil {
			for _, line := range imageLines(step.Do, *step.Image, now) {
				s.line(say("         " + line))
			}
		}
	}
}

// stepWords is a step of a rung with what it takes along; one whose unit goes along with
// an earlier step is not done again.
func stepWords(rung remediate.PlannedRung, n int) string {
	if with, ok := rung.Goes(n); ok {
		return rung.Steps[n].String() + ", unless it goes along with " + with.On.Name
	}
	return rung.Steps[n].Full()
}

// imageLines say which image a step is about, and of a swap what becomes of each disk.
func imageLines(verb remediate.Verb, image remediate.Image, now time.Time) []string {
	var lines []string
	if image.Digest != "" {
		lines = append(lines, "image   "+imageWords(image, now))
	}
	if image.File != "" {
		lines = append(lines, "file    "+image.File)
	}
	if verb != remediate.VerbSwap {
		return lines
	}
	for _, disk := range slices.Sorted(maps.Keys(image.From)) {
		lines = append(lines, fmt.Sprintf("goes    %s: %s is put aside and kept; what was written to it since is not there afterwards", disk, image.From[disk]))
	}
	if len(image.Keep) > 0 {
		lines = append(lines, "stays   "+strings.Join(image.Keep, ", "))
	}
	return lines
}

// imageWords are the name, the age, the grade and the digest of an image.
func imageWords(image remediate.Image, now time.Time) string {
	words := image.Name
	if !image.Taken.IsZero() {
		words += ", of " + moment(image.Taken) + " (" + span(max(now.Sub(image.Taken), 0)) + " old)"
	}
	return words + ", " + gradeWords(image.Grade) + ", digest " + short(image.Digest)
}

// gradeWords is a grade as people say it.
func gradeWords(g remediate.Grade) string {
	if g == remediate.Unproved {
		return "not proved"
	}
	return string(g)
}

// heldRung is the rung that waits for a person; nil when none does.
func heldRung(i *remediate.Incident) *remediate.PlannedRung {
	if i.State != remediate.Held || i.Plan == nil || i.Rung >= len(i.Plan.Rungs) {
		return nil
	}
	return &i.Plan.Rungs[i.Rung]
}

// tellAsked writes all that a person needs to decide: what was seen, what was tried,
// and what would be done.
func tellAsked(s screen, story oncall.Story, now time.Time) {
	i := &story.Incident
	tellHead(s, i, now)
	tellSeen(s, story)
	if tried := rungTable(i); len(i.Tried) > 0 {
		s.line()
		tried.write(s)
	}
	tellHeld(s, i, now)
}

// tellSeen writes what the probes said when the plan was made, and the evidence, if
// it was taken by now.
func tellSeen(s screen, story oncall.Story) {
	var seen, evidence []string
	t := teller{opened: story.Incident.OpenedAt}
	for _, entry := range story.Entries {
		switch e := entry.Event; {
		case e.Planned != nil:
			seen = unwell(e.Planned.Observations)
		case e.Gathered != nil:
			evidence = t.sayGathered(*e.Gathered).lines
		}
	}
	if len(seen)+len(evidence) == 0 {
		return
	}
	s.line()
	s.line(in(bold, "what was seen"))
	for _, line := range append(seen, evidence...) {
		s.line(say("  " + line))
	}
}

// lostBy says what is lost by a rung, whatever comes of it.
func lostBy(rung remediate.PlannedRung) string {
	switch rung.Risk() {
	case remediate.Observe, remediate.Limit:
		return "nothing: no service is interrupted"
	case remediate.Restart:
		return "what is under way in " + onNames(rung) + ": connections, requests, unsaved work"
	case remediate.Reset:
		return "all that " + onNames(rung) + " has in memory and not on a disk"
	}
	return "what was written since to the disks that go back, beside all that is in memory"
}

// onNames are the things that a rung acts on.
func onNames(rung remediate.PlannedRung) string {
	var names []string
	for _, target := range rung.Touches() {
		names = append(names, target.Name)
	}
	return strings.Join(names, ", ")
}

// tellHeld writes what a person is asked to approve: all that would be done, who may
// say yes, and until when.
func tellHeld(s screen, i *remediate.Incident, now time.Time) {
	rung := heldRung(i)
	if rung == nil {
		return
	}
	s.line()
	until := i.Since.Wall.Add(remediate.ApprovalLasts)
	s.line(in(red, "waits for a person"), say(" until "+moment(until)+" ("+span(max(until.Sub(now), 0))+" from now), then it is handed over:"))
	tellRung(s, *rung, now)
	s.line(say("  what is lost: " + lostBy(*rung)))
	s.line(say("  may approve: those of `people` who approve " + rung.Risk().String() + "; the operator of this host while there is nobody"))
	s.line(say("  nightshift approve " + string(i.ID) + ", or nightshift deny " + string(i.ID) + " --comment …"))
}
