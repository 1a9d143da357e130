package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"nightshift/remediate"
)

// writeTable sums up the acts: how long after the break the alert fired, the
// agent acted, and it was fixed; which rungs were tried, and what was left alone.
func writeTable(out io.Writer, results []*result) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ACT\tALERT\tFIRED\tACTED\tFIXED\tRUNG\tOUTCOME\tUNTOUCHED")
	for _, r := range results {
		first := []string{r.act.name, r.act.alert, after(r.alerted), after(r.acted), after(r.fixed)}
		left := names(r.untouched)
		for _, rung := range r.rungs() {
			cells := slices.Concat(first, []string{rung.name, rung.outcome, left})
			fmt.Fprintln(w, strings.Join(cells, "\t"))
			first, left = make([]string, len(first)), ""
		}
	}
	w.Flush()
	for line := range strings.Lines(text.String()) {
		fmt.Fprintln(out, "  "+strings.TrimRight(line, " \n"))
	}
}

// rungRow is a rung of the ladder and what came of it, in words.
type rungRow struct{ name, outcome string }

// rungs are those of the ladder, tried or not. There is always one row.
func (r *result) rungs() []rungRow {
	var rows []rungRow
	for _, tried := range r.incident.Tried {
		rows = append(rows, rungRow{tried.Name, outcome(tried.Outcome)})
	}
	if p := r.incident.Plan; p != nil {
		for _, rung := range p.Rungs[min(len(rows), len(p.Rungs)):] {
			rows = append(rows, rungRow{rung.Name, "not needed"})
		}
	}
	if len(rows) == 0 {
		return []rungRow{{"none", "-"}}
	}
	return rows
}

func outcome(o remediate.Outcome) string {
	if o == "" {
		return "no outcome"
	}
	return said(o)
}

// names are units without their common suffix.
func names(units []string) string {
	return strings.ReplaceAll(strings.Join(units, " "), ".service", "")
}

func after(d time.Duration) string {
	if d == 0 {
		return "never"
	}
	return seconds(d)
}
