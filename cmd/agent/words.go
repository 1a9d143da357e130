package main

import (
	"fmt"
	"strings"
	"time"
)

// moment is a time as people here read it.
func moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// span is a duration as people say it, no more exact than they need.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		d = d.Round(time.Second)
		return two(int(d/time.Minute), "m", int(d%time.Minute/time.Second), "s")
	case d < 2*day:
		d = d.Round(time.Minute)
		return two(int(d/time.Hour), "h", int(d%time.Hour/time.Minute), "m")
	}
	return two(int(d/day), "d", int(d%day/time.Hour), "h")
}

// two joins a large and a small unit; a small one of 0 is left out.
func two(large int, unit string, small int, smallUnit string) string {
	if small == 0 {
		return fmt.Sprintf("%d%s", large, unit)
	}
	return fmt.Sprintf("%d%s %d%s", large, unit, small, smallUnit)
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// reasoned is a state or a decision with the word for why, if that is another, and
// the sentence.
func reasoned(what, reason, detail string) string {
	if reason != "" && reason != what {
		what += " (" + reason + ")"
	}
	if detail != "" {
		what += ": " + detail
	}
	return what
}

// oneLine is text of several lines on one.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// orDash stands in for nothing.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
