package main

import (
	"testing"
	"time"
)

func TestASpanIsNoMoreExactThanPeopleNeed(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                                       "0s",
		1234 * time.Microsecond:                 "1ms",
		2345 * time.Millisecond:                 "2.3s",
		42400 * time.Millisecond:                "42s",
		time.Minute:                             "1m",
		133 * time.Second:                       "2m 13s",
		5*time.Hour + 2*time.Minute:             "5h 2m",
		30*time.Hour + 10*time.Second:           "30h",
		100*time.Hour + 59*time.Minute:          "4d 4h",
		59*time.Minute + 59500*time.Millisecond: "60m",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestReasonsReadAsASentence(t *testing.T) {
	for want, got := range map[string]string{
		"wait":                      reasoned("wait", "", ""),
		"wait (busy)":               reasoned("wait", "busy", ""),
		"wait (busy): another acts": reasoned("wait", "busy", "another acts"),
		"alice: why not":            reasoned("alice", "", "why not"),
		"1 rung":                    count(1, "rung"),
		"0 rungs":                   count(0, "rung"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
