package alerts_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/alerts"
)

func TestMatchers(t *testing.T) {
	labels := map[string]string{"alertname": "Down", "severity": "critical", "instance": "web-1:9100"}
	for expr, want := range map[string]bool{
		`alertname="Down"`:                      true,
		`alertname=Down`:                        true,
		`alertname="Do"`:                        false,
		`alertname!="Up"`:                       true,
		`instance=~"web-1(:[0-9]+)?"`:           true,
		`instance=~"web"`:                       false, // anchored at both ends
		`severity!~"info|warning"`:              true,
		`team=""`:                               true, // a label that is not there counts as ""
		`team!=""`:                              false,
		`{alertname="Down",severity="info"}`:    false,
		`{alertname="Down", severity=~"cri.*"}`: true,
	} {
		if got := alerts.Matching(expr).Matches(labels); got != want {
			t.Errorf("%s matches: %t, want %t", expr, got, want)
		}
	}
	if !alerts.Matching(`alertname="Down"`, `severity="critical"`).Matches(labels) {
		t.Error("two that match do not match together")
	}
	if alerts.Matching(`alertname="Down"`, `severity="info"`).Matches(labels) {
		t.Error("one of two that does not match is not asked")
	}
}

func TestAnEmptySelectorMeansNothing(t *testing.T) {
	labels := map[string]string{"alertname": "Down"}
	for name, m := range map[string]alerts.Matchers{"zero": {}, "of no expressions": alerts.Matching()} {
		if m.Matches(labels) || m.Matches(nil) || !m.IsZero() {
			t.Errorf("the Matchers %s matches something", name)
		}
	}
	scope, err := alerts.ParseScope(nil)
	if err != nil || scope.Mine(alerts.Alert{Labels: labels}) {
		t.Errorf("an empty scope: error %v, or it holds an alert", err)
	}
	for _, empty := range []string{"", "{}"} {
		if _, err := alerts.ParseMatchers([]string{empty}); err == nil {
			t.Errorf("the expression %q is accepted, though it selects nothing", empty)
		}
	}
}

func TestParseMatchersTellsEachWrongExpression(t *testing.T) {
	_, err := alerts.ParseMatchers([]string{`a="b"`, `a="`, `a=~"("`})
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) != 2 {
		t.Fatalf("error = %v, want two joined", err)
	}
	for i, one := range joined.Unwrap() {
		var wrong *alerts.ExpressionError
		if !errors.As(one, &wrong) || wrong.Index != i+1 {
			t.Errorf("error %d = %#v, want an *ExpressionError of index %d", i, one, i+1)
		}
	}
	const want = `cannot read matcher "a=\"": `
	if !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), `write it like alertname="InstanceDown"`) {
		t.Errorf("error = %v, want it to begin %s and to show a right one", err, want)
	}
}

func TestMatchingPanicsOnAWrongExpression(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Matching took a wrong expression")
		}
	}()
	alerts.Matching(`alertname=`, `==`)
}

func TestMatchersAreReadBackFromWhatTheyPrint(t *testing.T) {
	m := alerts.Matching(`alertname="Do\"wn\\"`, `{severity=~"a|b",team!="x"}`, `"odd name"!~"\n"`)
	want := []string{`alertname="Do\"wn\\"`, `severity=~"a|b"`, `team!="x"`, `"odd name"!~"\n"`}
	if diff := cmp.Diff(want, m.Strings()); diff != "" {
		t.Errorf("Strings() differs (-want +got):\n%s", diff)
	}
	if back := alerts.Matching(m.Strings()...); !cmp.Equal(m, back) {
		t.Errorf("read back from Strings(): %v, want %v", back, m)
	}
	if back := alerts.Matching(m.String()); !m.Equal(back) {
		t.Errorf("read back from String(): %v, want %v", back, m)
	}
	if list, err := m.MarshalYAML(); err != nil || !slices.Equal(list.([]string), want) {
		t.Errorf("MarshalYAML() = %v, %v, want the list", list, err)
	}
	if m.Equal(alerts.Matching(`alertname="x"`)) {
		t.Error("different Matchers are equal")
	}
}

func FuzzMatchers(f *testing.F) {
	f.Add(`alertname="Down"`, "alertname", "Down")
	f.Add(`{a=~"x.*",b!~"\t\"\\"}`, "a", "x")
	f.Add(`'a b'!=🙂`, "a b", "")
	f.Fuzz(func(t *testing.T, expr, name, value string) {
		m, err := alerts.ParseMatchers([]string{expr})
		if err != nil {
			return
		}
		back, err := alerts.ParseMatchers(m.Strings())
		if err != nil || !m.Equal(back) {
			t.Fatalf("%q prints as %q and is read back as %q, %v", expr, m, back, err)
		}
		labels := map[string]string{name: value}
		if m.Matches(labels) != back.Matches(labels) {
			t.Fatalf("%q and %q judge %q differently", m, back, labels)
		}
	})
}

func TestScopeIsWhatAnyEntrySelects(t *testing.T) {
	scope, err := alerts.ParseScope([]string{`instance=~"rave-1(:[0-9]+)?"`, `{vm="rave",job="qemu"}`})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		labels map[string]string
		mine   bool
	}{
		{map[string]string{"instance": "rave-1:9100"}, true},
		{map[string]string{"vm": "rave", "job": "qemu"}, true},
		{map[string]string{"vm": "rave", "job": "node"}, false},
		{map[string]string{"instance": "rave-10"}, false},
		{nil, false},
	} {
		if got := scope.Mine(alerts.Alert{Labels: tc.labels}); got != tc.mine {
			t.Errorf("Mine(%v) = %t, want %t", tc.labels, got, tc.mine)
		}
	}
	want := []string{`{instance=~"rave-1(:[0-9]+)?"}`, `{vm="rave",job="qemu"}`}
	if diff := cmp.Diff(want, scope.Strings()); diff != "" {
		t.Errorf("Strings() differs (-want +got):\n%s", diff)
	}
	if _, err := alerts.ParseScope([]string{`a="b"`, `nonsense`}); err == nil {
		t.Error("a wrong entry is accepted")
	}
}
