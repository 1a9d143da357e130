package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"nightshift/remediate"
)

// style is how text looks on a terminal: parameters of SGR in ECMA-48.
type style string

// The styles.
const (
	plain  style = ""
	bold   style = "1"
	faint  style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

// width is how long a line may get, in characters.
const width = 118

// timeline prints what happens, the seconds since zero at the left.
type timeline struct {
	out    io.Writer
	colour bool
	zero   time.Time
}

// line prints who said what when. What belongs to it comes beneath, faintly.
func (t *timeline) line(at time.Time, who string, tone style, text string, more ...string) {
	lead := fmt.Sprintf("%7.1f  %-13s", at.Sub(t.zero).Seconds(), who)
	fmt.Fprintln(t.out, lead+t.in(tone, fit(text, len(lead))))
	indent := strings.Repeat(" ", len(lead))
	for _, text := range more {
		if text != "" {
			fmt.Fprintln(t.out, indent+t.in(faint, fit(text, len(indent))))
		}
	}
}

// title begins a part.
func (t *timeline) title(text string) { fmt.Fprintln(t.out, "\n"+t.in(bold, text)) }

// say prints a sentence.
func (t *timeline) say(text string) { fmt.Fprintln(t.out, "  "+text) }

// quote prints what a program printed.
func (t *timeline) quote(text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintln(t.out, "  "+strings.TrimRight(line, "\n"))
	}
}

func (t *timeline) in(tone style, text string) string {
	if !t.colour || tone == plain {
		return text
	}
	return "\x1b[" + string(tone) + "m" + text + "\x1b[0m"
}

// fit has text from anywhere fit on the rest of a line, and move no cursor.
func fit(text string, used int) string {
	line := []rune(remediate.Printable(strings.ReplaceAll(text, "\n", " ")))
	if room := width - used; len(line) > room {
		return string(line[:room-1]) + "…"
	}
	return string(line)
}

// errNotRepaired is what is wrong when the demo itself went well.
var errNotRepaired = errors.New("not everything was repaired as it should be")

// verdict is the last line.
func (t *timeline) verdict(results []*result, took time.Duration) error {
	repaired := 0
	for _, r := range results {
		if len(r.problems) == 0 {
			repaired++
		}
	}
	text := fmt.Sprintf("%d of %d repaired, in %.0f s", repaired, len(acts), took.Seconds())
	if repaired < len(acts) {
		t.title(t.in(red, text))
		return errNotRepaired
	}
	t.title(t.in(green, text))
	return nil
}
