package main

import (
	"fmt"
	"strings"

	"nightshift/remediate"
)

// glance is how many lines of one piece of evidence a timeline shows, and
// glanceColumns how much of each, unless all of it is asked for.
const (
	glance        = 6
	glanceColumns = 160
)

func (t *teller) sayGathered(g remediate.Gathered) told {
	w := told{head: say("kept " + count(len(g.Evidence), "piece") + " of evidence")}
	for _, e := range g.Evidence {
		w.lines = append(w.lines, t.evidence(e)...)
	}
	return w
}

// evidence is one piece: what it is, and what was seen.
func (t *teller) evidence(e remediate.Evidence) []string {
	lines := []string{sightName(e.Look) + ":"}
	if e.Error != "" {
		lines = append(lines, "  could not be seen: "+oneLine(e.Error))
	}
	shown := textLines(e.Text)
	if !t.allEvidence {
		shown = atAGlance(shown, max(e.Size, len(e.Text)))
	}
	for _, line := range shown {
		lines = append(lines, "  "+line)
	}
	return lines
}

// atAGlance keeps the beginning of a text that has size bytes in all.
func atAGlance(lines []string, size int) []string {
	var kept []string
	whole := 0
	for _, line := range lines[:min(len(lines), glance)] {
		whole += len(line) + 1
		kept = append(kept, cutTo(line, glanceColumns, glanceColumns))
	}
	if whole < size {
		kept = append(kept, fmt.Sprintf("(%d bytes in all; --evidence shows them)", size))
	}
	return kept
}

// sightName says what was looked at.
func sightName(look remediate.Look) string {
	return strings.TrimSpace(string(look.What) + " " + look.Of)
}
