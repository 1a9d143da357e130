package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nightshift/remediate"
)

// evidenceLines says what was kept, how much of it, and a glimpse of each.
func evidenceLines(all []remediate.Evidence) []string {
	var lines []string
	for _, e := range all {
		lines = append(lines, fmt.Sprintf("%-22s %9s  %s", sight(e.Look), amount(e), glimpse(e)))
	}
	return lines
}

func sight(l remediate.Look) string {
	switch l.What {
	case remediate.SeeProbe:
		return cmp.Or(l.Of, "the last answers")
	case remediate.SeeQMPStatus:
		return "QEMU's run state"
	case remediate.SeeBlockGraph:
		return "what the disks are on"
	case remediate.SeeUnit:
		return "the unit's properties"
	case remediate.SeeUnits:
		return "all units"
	case remediate.SeeProcesses:
		return "largest processes"
	}
	return string(l.What)
}

// amount is how much there is of it, wherever it is kept.
func amount(e remediate.Evidence) string {
	bytes := cmp.Or(e.Size, len(e.Text))
	if bytes < 1024 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f KiB", float64(bytes)/1024)
}

// glimpse is the one line of a piece of evidence that says most.
func glimpse(e remediate.Evidence) string {
	lines := strings.Split(strings.TrimSpace(e.Text), "\n")
	switch {
	case e.Error != "":
		return e.Error
	case e.Look.What == remediate.SeeJournal:
		_, message, _ := strings.Cut(lines[len(lines)-1], " ") // behind the time
		return message
	case e.Look.What == remediate.SeeConsole || e.Look.What == remediate.SeeQMPStatus:
		return lines[len(lines)-1]
	case e.Look.What == remediate.SeeUnit:
		return properties(lines, "ActiveState", "SubState", "NRestarts", "MemoryCurrent")
	case e.Look.What == remediate.SeeUnits:
		return strings.Join(strings.Fields(notActive(lines)), "  ")
	}
	return strings.Join(strings.Fields(lines[0]), " ")
}

// properties are the chosen Name=value of many, on one line.
func properties(lines []string, names ...string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		name, _, _ := strings.Cut(line, "=")
		return !slices.Contains(names, name)
	}), " ")
}

// notActive is the first unit of a table that does not run; the first of all if
// each does. The table has a head.
func notActive(table []string) string {
	if len(table) < 2 {
		return ""
	}
	for _, line := range table[1:] {
		if !strings.Contains(line, " active ") {
			return line
		}
	}
	return table[1]
}
