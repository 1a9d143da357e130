package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"nightshift/remediate"
)

// writeTable sums up the acts: which rungs were tried, what was left alone, and
// how long after the break the alert fired, the agent acted, and it was fixed.
func writeTable(out io.Writer, results []*result) {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "  ACT\tALERT\tRUNGS\tOUTCOME\tUNTOUCHED\tALERT\tACT\tFIXED")
	for _, r := range results {
		rows := r.rungRows()
		left := names(r.untouched)
		for n := range max(len(rows), len(left)) {
			row := append(r.firstCells(n), at(rows, n, []string{"", ""})...)
			row = append(row, at(left, n, ""))
			row = append(row, r.timeCells(n)...)
			fmt.Fprintln(w, "  "+strings.TrimRight(strings.Join(row, "\t"), "\t"))
		}
	}
	w.Flush()
}

// firstCells name the act, on the first of its rows only.
func (r *result) firstCells(n int) []string {
	if n > 0 {
		return []string{"", ""}
	}
	return []string{r.act.name, r.act.alert}
}

func (r *result) timeCells(n int) []string {
	if n > 0 {
		return nil
	}
	return []string{after(r.alerted), after(r.acted), after(r.fixed)}
}

// rungRows are the rungs of the ladder, tried or not.
func (r *result) rungRows() [][]string {
	var rows [][]string
	for _, tried := range r.incident.Tried {
		rows = append(rows, []string{tried.Name, outcome(tried.Outcome)})
	}
	if r.incident.Plan == nil {
		return rows
	}
	for _, rung := range r.incident.Plan.Rungs[min(len(rows), len(r.incident.Plan.Rungs)):] {
		rows = append(rows, []string{rung.Name, "not needed"})
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
func names(units []string) []string {
	var short []string
	for _, unit := range units {
		short = append(short, strings.TrimSuffix(unit, ".service"))
	}
	return short
}

func after(d time.Duration) string {
	if d == 0 {
		return "never"
	}
	return seconds(d)
}

// at is an element of a list, or what stands for one that it does not have.
func at[T any](list []T, n int, none T) T {
	if n < len(list) {
		return list[n]
	}
	return none
}
