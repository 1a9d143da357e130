package world

import (
	"os"
	"strings"
	"testing"
)

func TestExpressionsKeepThresholdsAndText(t *testing.T) {
	for in, want := range map[string]string{
		`increase(webhook_errors_total[5m]) > 10`:               `increase(webhook_errors_total[10s]) > 10`,
		`rate(x{path="[5m]"}[1h]) > 300`:                        `rate(x{path="[5m]"}[2m]) > 300`,
		"x{a=`\\[5m]`}[30s]":                                    "x{a=`\\[5m]`}[1s]",
		`max_over_time(x[1h:5m]) unless y[10m:]`:                `max_over_time(x[2m:10s]) unless y[20s:]`,
		`x offset 5m + y OFFSET -1h`:                            `x offset 10s + y offset -2m`,
		`offset_total + my_offset + node:offset`:                `offset_total + my_offset + node:offset`,
		"x # [5m] is not a range\n + y[5m]":                     "x # [5m] is not a range\n + y[10s]",
		`up{job="x"} == 0 or time() - t{a='it\'s [5m]'} > 3600`: `up{job="x"} == 0 or time() - t{a='it\'s [5m]'} > 3600`,
		`x[1ms]`: `x[1ms]`,
	} {
		got, err := divideExpression(in, 30)
		if err != nil || got != want {
			t.Errorf("divideExpression(%s)\n got %s (%v)\nwant %s", in, got, err, want)
		}
	}
}

func TestBrokenExpressionsAreRefused(t *testing.T) {
	for _, in := range []string{`x[5m`, `x[]`, `x[five]`, `x offset`, `x offset y`} {
		if got, err := divideExpression(in, 30); err == nil {
			t.Errorf("divideExpression(%s) = %s, want an error", in, got)
		}
	}
}

func TestSettingsAreDividedByName(t *testing.T) {
	const in = "groups:\n    - rules:\n        - alert: a # kept\n          for: 2m\n          expr: x[5m] > 85\n          labels:\n            severity: for 5m\n"
	want := strings.NewReplacer("for: 2m", "for: 4s", "[5m]", "[10s]").Replace(in)
	got, err := divideYAML([]byte(in), 30)
	if err != nil || string(got) != want {
		t.Fatalf("got\n%s(%v)\nwant\n%s", got, err, want)
	}
}

func TestFactorOneIsVerbatim(t *testing.T) {
	shipped, err := os.ReadFile("../../deploy/prometheus/rave.yml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := divideYAML(shipped, 1)
	if err != nil || string(got) != string(shipped) {
		t.Fatalf("factor 1 changed the shipped rules (%v)", err)
	}
}
