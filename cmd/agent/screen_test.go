package main

import (
	"strings"
	"testing"
)

func TestTextFromOutsideWritesNothingToATerminal(t *testing.T) {
	s, text := page()
	s.line(say("a\nroot\x1b[2Jshell\u202eevil\x9b1m\x7f"))
	if got, want := text.String(), "a\uFFFDroot\uFFFD[2Jshell\uFFFDevil\uFFFD1m\uFFFD\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestColourIsOnlyForATerminal(t *testing.T) {
	s, text := page()
	s.line(in(red, "down"), say(" "), in(plain, "up"))
	s.colour = true
	s.line(in(red, "down"), say(" "), in(plain, "up"), in(green, ""))
	if got, want := text.String(), "down up\n\x1b[31mdown\x1b[0m up\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAPipeHasNoColourAndNoWidth(t *testing.T) {
	var text strings.Builder
	if s := newScreen(&text); s.colour || s.width != 0 || s.isTerminal() {
		t.Errorf("newScreen of no file = %+v", s)
	}
}

func TestATableIsAsWideAsItHasToBe(t *testing.T) {
	s, text := page()
	tab := table{head: []string{"NAME", "X", "SEEN"}}
	tab.add(say("größer"), say("1"), say("several\nlines and\ttabs"))
	tab.add(say("b"), say("22"), say("a line that is longer than forty columns are"))
	tab.write(s)
	s.width = 40
	tab.write(s)
	golden(t, "table.golden", text.String())
}
