package inventory

import (
	"testing"
	"time"

	"nightshift/remediate/strict"
)

func TestSizes(t *testing.T) {
	for text, want := range map[string]Size{
		"1KiB": 1 << 10, "256MiB": 256 << 20, "2GiB": 2 << 30, "8TiB": 8 << 40,
		"2GB": 0, "2": 0, "GiB": 0, "0GiB": 0, "-1GiB": 0, "1.5GiB": 0, "1 GiB": 0, "9999999TiB": 0,
	} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); got != want || (err == nil) != (want > 0) {
			t.Errorf("%s: %d, %v", text, got, err)
		}
		if want > 0 && want.String() != text {
			t.Errorf("%s is written %s", text, want)
		}
	}
}

func TestPercents(t *testing.T) {
	for text, want := range map[string]Percent{
		"85%": 85, "0.5%": 0.5, "200%": 200,
		"85": 0, "%": 0, "0%": 0, "-1%": 0, "NaN%": 0, "Inf%": 0, "85 %": 0,
	} {
		var got Percent
		if err := got.UnmarshalText([]byte(text)); got != want || (err == nil) != (want > 0) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if want > 0 && want.String() != text {
			t.Errorf("%s is written %s", text, want)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"500ms": 500 * time.Millisecond, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "30d": maxDuration,
		"0s": 0, "0": 0, "": 0, "5": 0, "-5s": 0, "31d": 0, "1.5h": 0, "300000000000y": 0,
	} {
		if got, err := strict.ParseDuration(text); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}
