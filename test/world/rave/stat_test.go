package main

import (
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
