package main

import (
	"cmp"
	"fmt"
	"strings"

	"nightshift/remediate"
)

// evidenceLines says what was kept, how much, and a glimpse of each.
func evidenceLines(all []remediate.Evidence) []string {
	var lines []string
	for _, e := range all {
		lines = append(lines, sight(e.Look)+": "+amount(e))
		for _, text := range glimpse(e) {
			lines = append(lines, "  "+text)
		}
	}
	return lines
}

func sight(l remediate.Look) string {
	switch l.What {
	case remediate.SeeProbe:
		return "probe " + l.Of
	case remediate.SeeUnit:
		return "unit's properties"
	case remediate.SeeUnits:
		return "units"
	}
	return string(l.What)
}

// amount is how much there is of it, wherever it is kept.
func amount(e remediate.Evidence) string {
	if e.Error != "" {
		return "not to be had: " + e.Error
	}
	return fmt.Sprintf("%.1f KiB", float64(cmp.Or(e.Size, len(e.Text)))/1024)
}

// glimpse is the line or two of a piece of evidence that say most: the newest of
// a journal, the first of all else.
func glimpse(e remediate.Evidence) []string {
	lines := strings.Split(strings.TrimSpace(e.Text), "\n")
	const most = 2
	switch {
	case e.Text == "":
		return nil
	case e.Look.What == remediate.SeeJournal:
		return lines[max(len(lines)-most, 0):]
	case e.Look.What == remediate.SeeUnit:
		return properties(lines, "ActiveState", "SubState", "NRestarts", "MemoryCurrent")
	}
	return lines[:min(len(lines), most)]
}

// properties are the chosen Name=value of many, on one line.
func properties(lines []string, names ...string) []string {
	var chosen []string
	for _, line := range lines {
		for _, name := range names {
			if strings.HasPrefix(line, name+"=") {
				chosen = append(chosen, line)
			}
		}
	}
	return []string{strings.Join(chosen, " ")}
}
