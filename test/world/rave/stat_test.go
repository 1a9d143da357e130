package main

import (
	"testing"
	"time"
)

func TestTheProcessorsDidWhatTheSliceHadThemDo(t *testing.T) {
	const real = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 9 9 9 9 9 9 9 9 9 9\ncpu1 9 9 9 9 9 9 9 9 9 9\nbtime 7\n"
	const want = "cpu  200 0 0 1800 0 0 0 0 0 0\ncpu0 100 0 0 900 0 0 0 0 0 0\ncpu1 100 0 0 900 0 0 0 0 0 0\nbtime 7\n"
	if got := statOf(real, 2, 10, 2*time.Second); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestTheTimeIsThatOfAllItsProcesses(t *testing.T) {
	if got, err := usage("usage_usec 1500\nuser_usec 900\nsystem_usec 600\n"); err != nil || got != 1500*time.Microsecond {
		t.Errorf("got %s (%v)", got, err)
	}
	if _, err := usage("nr_periods 0\n"); err == nil {
		t.Error("a file without it says a time")
	}
}
