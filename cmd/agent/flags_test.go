package main

import (
	"testing"
	"time"
)

func TestSinceIsADurationOrATime(t *testing.T) {
	now := time.Date(2026, 8, 8, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"7d":                        time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC),
		"1h30m":                     time.Date(2026, 8, 8, 10, 30, 0, 0, time.UTC),
		"2026-08-01":                time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC),
		"2026-08-01T14:00":          time.Date(2026, 8, 1, 14, 0, 0, 0, time.UTC),
		"2026-08-01 14:00:05":       time.Date(2026, 8, 1, 14, 0, 5, 0, time.UTC),
		"2026-08-01T14:00:00+02:00": time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC),
	} {
		var s since
		if err := s.Set(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got := s.before(now); !got.Equal(want) {
			t.Errorf("since %s = %s, want %s", text, got, want)
		}
	}
}

func TestWithoutSinceNothingIsLeftOut(t *testing.T) {
	var s since
	if got := s.before(time.Now()); !got.IsZero() {
		t.Errorf("got %s, want the zero time", got)
	}
}

func TestOtherTimesAreRefused(t *testing.T) {
	for _, text := range []string{"", "yesterday", "-1h", "0s", "7 days"} {
		if err := new(since).Set(text); err == nil {
			t.Errorf("since %q was taken", text)
		}
		if err := new(period).Set(text); err == nil {
			t.Errorf("a period of %q was taken", text)
		}
	}
}
