package systemd

import (
	"testing"
)

func TestLinesOfTheJournal(t *testing.T) {
	for line, want := range map[string]text{
		`{"MESSAGE":"plain"}`:                 "plain",
		`{"MESSAGE":[104,105,27,255]}`:        "hi\x1b\xff",
		`{"MESSAGE":["twice","given"]}`:       "twice given",
		`{"MESSAGE":null}`:                    "(a line too long to show)",
		`{"SYSLOG_IDENTIFIER":"without one"}`: "",
	} {
		entries, err := decodeEntries([]byte(line + "\n"))
		if err != nil || len(entries) != 1 || entries[0].Message != want {
			t.Errorf("decodeEntries(%s) = %+v, %v; expected %q", line, entries, err, want)
		}
	}
}

func TestALineThatWasCutOffIsLeftOut(t *testing.T) {
	entries, err := decodeEntries([]byte("{\"MESSAGE\":\"whole\"}\n{\"MESSAGE\":\"cut o"))
	if err != nil || len(entries) != 1 || entries[0].Message != "whole" {
		t.Errorf("got %+v, %v", entries, err)
	}
}

func TestWhatJournalctlTellsPeopleIsNoEntry(t *testing.T) {
	entries, err := decodeEntries([]byte("-- Boot 1c9a0a3c9eb7 --\n{\"MESSAGE\":\"one\"}\n-- No entries --\n"))
	if err != nil || len(entries) != 1 {
		t.Errorf("got %+v, %v", entries, err)
	}
}

func TestAJournalThatIsNoneIsAnError(t *testing.T) {
	if entries, err := decodeEntries([]byte("Segmentation fault\n")); err == nil {
		t.Errorf("got %+v without an error", entries)
	}
}

func TestOutputIsCapped(t *testing.T) {
	c := &capped{most: 5}
	for range 3 {
		if n, err := c.Write([]byte("abc")); n != 3 || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if got := c.kept.String(); got != "abcab" {
		t.Errorf("kept %q", got)
	}
}

// FuzzDecodeEntries holds the decoder to its promise: whatever journalctl says,
// it returns.
func FuzzDecodeEntries(f *testing.F) {
	f.Add([]byte(`{"MESSAGE":[1,2],"__REALTIME_TIMESTAMP":"1"}` + "\n"))
	f.Add([]byte("\n"))
	f.Add([]byte(`{"MESSAGE":{"a":1},"__MONOTONIC_TIMESTAMP":"-1"}` + "\n"))
	f.Fuzz(func(t *testing.T, lines []byte) {
		entries, err := decodeEntries(lines)
		if err != nil && entries != nil {
			t.Errorf("both %v and %v", entries, err)
		}
	})
}
