package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheProcessorsDidWhatTheSliceHadThemDo(t *testing.T) {
	const real = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 9 9 9 9 9 9 9 9 9 9\ncpu1 9 9 9 9 9 9 9 9 9 9\nbtime 7\n"
	const want = "cpu  200 0 0 1700 0 0 0 100 0 0\ncpu0 100 0 0 850 0 0 0 50 0 0\ncpu1 100 0 0 850 0 0 0 50 0 0\nbtime 7\n"
	if got := statOf(real, 2, 10, 2*time.Second, time.Second); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestTheProcessorsOfTheAgentAreWrittenOverEachOther: a file that is bound into a place
// may not be replaced, and whoever reads it may not see half of it.
func TestTheProcessorsOfTheAgentAreWrittenOverEachOther(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stat")
	for _, stat := range []string{"cpu  100000 0 0 1\ncpu0 100000 0 0 1\nbtime 7\n", "cpu  2 0 0 1\ncpu0 2 0 0 1\nbtime 7\n"} {
		if err := overwrite(file, processorsOf(stat)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		got = append(got, strings.TrimSpace(line))
	}
	if want := []string{"cpu  2 0 0 1", "cpu0 2 0 0 1"}; !slices.Equal(got, want) {
		t.Errorf("it says %q, want %q", got, want)
	}
}

func TestTheTimeIsThatOfAllItsProcesses(t *testing.T) {
	for text, key := range map[string]string{
		"usage_usec 1500\nuser_usec 900\nsystem_usec 600\n":                                               "usage_usec ",
		"some avg10=4.27 avg60=21.91 avg300=26.39 total=1500\nfull avg10=0.00 avg60=0 avg300=0 total=0\n": "total=",
	} {
		if got, err := microseconds(text, key); err != nil || got != 1500*time.Microsecond {
			t.Errorf("%q says %s (%v)", text, got, err)
		}
	}
	if _, err := microseconds("nr_periods 0\n", "usage_usec "); err == nil {
		t.Error("a file without it says a time")
	}
}
