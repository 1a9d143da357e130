package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestALineStaysOneLineOfPlainText(t *testing.T) {
	var out strings.Builder
	show := &timeline{out: &out, zero: time.Unix(1000, 0)}
	show.line(time.Unix(1012, 340_000_000), "webhook", red, "an alert\n\x1b[2Jthat forges "+strings.Repeat("a very long line ", 20))
	line := out.String()
	if !strings.HasPrefix(line, "   12.3  webhook      an alert ") || strings.Contains(line, "\x1b") {
		t.Errorf("printed %q", line)
	}
	if strings.Count(line, "\n") != 1 || utf8.RuneCountInString(line) != width+1 {
		t.Errorf("printed %d characters on %d lines, want %d on one", utf8.RuneCountInString(line), strings.Count(line, "\n"), width)
	}
}

func TestColoursAreOnlyForWhoWantsThem(t *testing.T) {
	for colour, want := range map[bool]string{false: "fixed", true: "\x1b[32mfixed\x1b[0m"} {
		if got := (&timeline{colour: colour}).in(green, "fixed"); got != want {
			t.Errorf("colour %t prints %q, want %q", colour, got, want)
		}
	}
}
