package rehearsal_test

import (
	"slices"
	"strings"
	"testing"

	. "nightshift/remediate"
	"nightshift/remediate/rehearsal"
)

// parse reads the text of a file of tests, whose head is as it should be.
func parse(tests string) (*rehearsal.Suite, error) {
	return rehearsal.Parse("x.test.yaml", []byte("inventory: site.yaml\ntests:\n"+tests))
}

func known() rehearsal.Known {
	return rehearsal.Known{Config: config().Engine, Probes: []string{"front"}}
}

// TestAFileIsReadStrictly has each mistake, and what is said of it.
func TestAFileIsReadStrictly(t *testing.T) {
	const test = "  - {name: a, alerts: [{at: 0s, labels: {alertname: Down}}], "
	for tests, said := range map[string]string{
		"  - {name: a}":                                                                       "expect is missing",
		"  - {name: a, expect: []}":                                                           "nothing happens in this test",
		test + "expct: []}":                                                                   `unknown key "expct"`,
		test + "expect: [{playbook: down}]}":                                                  "outcome is missing",
		test + "expect: [{playbook: down, outcome: fine}]}":                                   `"fine" is no state`,
		test + "expect: [], world: {frnt: healthy}}":                                          `no probe, unit or VM "frnt"`,
		test + "expect: [], world: {front: {soon: healthy}}}":                                 `cannot read duration "soon"`,
		test + "expect: [], world: {front: well}}":                                            `"well" is no word`,
		test + "expect: [], world: {app.service: healthy}}":                                   `"healthy" is no word`,
		test + "expect: [], steps: {restart ap.service: done}}":                               `no unit or VM "ap.service"`,
		test + "expect: [], steps: {restrt app.service: done}}":                               "is no step",
		test + "expect: [], steps: {restart app.service: fine}}":                              `"fine" is no result`,
		test + "expect: [{playbook: dwn, outcome: resolved}]}":                                `"dwn" is no playbook that is on`,
		test + "expect: [], people: [{at: 0s, does: aprove, who: ana}]}":                      `"aprove" is nothing that people do`,
		test + "expect: [], dependants: {ap.service: [app.service]}}":                         `no unit "ap.service"`,
		"  - {name: a, expect: [], alerts: [{at: 0s, labels: {x: y}}]}":                       "alertname is missing",
		"  - {name: a, expect: [], alerts: [{at: 2m, until: 1m, labels: {alertname: Down}}]}": "expected a time after 2m",
	} {
		suite, err := parse(tests)
		if err == nil {
			err = suite.Check(known())
		}
		if err == nil || !strings.Contains(err.Error(), said) || !strings.Contains(err.Error(), "x.test.yaml:3:") {
			t.Errorf("%s\nexpected %q with its line, found %v", tests, said, err)
		}
	}
}

// run rehearses one test.
func run(t *testing.T, test string) rehearsal.Report {
	t.Helper()
	suite, err := parse(test)
	if err == nil {
		err = suite.Check(known())
	}
	if err != nil {
		t.Fatal(err)
	}
	reports, err := suite.Run(known())
	if err != nil || len(reports) != 1 {
		t.Fatalf("found %d reports, %v", len(reports), err)
	}
	return reports[0]
}

// TestEachExpectationCanFail changes one expectation after the other, and looks for the
// one difference that it makes.
func TestEachExpectationCanFail(t *testing.T) {
	right := map[string]string{
		"playbook": "down", "target": "host:h1", "opened": "1m", "ladder": "[app.service, web.service]", "verdicts": "[allow]",
		"steps": "[restart app.service]", "rungs": "[{app.service: fixed}]", "outcome": "resolved", "reason": "fixed", "ended": "2m7s", "within": "2m",
	}
	wrong := map[string]string{
		"playbook": "", "target": "host:h2", "opened": "2m", "ladder": "[app.service]", "verdicts": "[hold]",
		"steps": "[]", "rungs": "[{app.service: not_fixed}]", "outcome": "cleared", "reason": "healthy", "ended": "3m", "within": "1m",
	}
	story := func(expect map[string]string) string {
		text := `  - name: a
    alerts: [{at: 1m, until: 5m, labels: {alertname: Down}}]
    world: {front: unhealthy}
    steps: {restart app.service: {takes: 2s, then: {front: healthy}}}
    expect:
      - `
		for name, value := range expect {
			text += name + ": " + value + "\n        "
		}
		return strings.TrimRight(text, " ")
	}
	if r := run(t, story(right)); len(r.Differences) > 0 {
		t.Fatalf("expected no difference, found %v", r.Differences)
	}
	for name, value := range wrong {
		if value == "" {
			continue
		}
		changed := map[string]string{}
		for n, v := range right {
			changed[n] = v
		}
		changed[name] = value
		r := run(t, story(changed))
		if len(r.Differences) != 1 || r.Differences[0].Field != "expect[0]."+name {
			t.Errorf("with %s %s: expected that one difference, found %v", name, value, r.Differences)
		}
	}
}

func TestMoreAndFewerIncidentsAreDifferences(t *testing.T) {
	none := "  - {name: a, alerts: [{at: 0s, until: 1m, labels: {alertname: Down}}], world: {front: unhealthy}, expect: []}"
	if r := run(t, none); len(r.Differences) != 1 || r.Differences[0].Expected != "no more incidents" {
		t.Errorf("expected one incident too many, found %v", r.Differences)
	}
	two := "  - {name: a, alerts: [{at: 0s, until: 1m, labels: {alertname: Other}}], expect: [{playbook: down, outcome: resolved}]}"
	if r := run(t, two); len(r.Differences) != 1 || r.Differences[0].Found != "none" {
		t.Errorf("expected one incident too few, found %v", r.Differences)
	}
}

func TestWhatARestartTakesAlongRunsAnew(t *testing.T) {
	r := run(t, `  - name: a
    alerts: [{at: 0s, until: 5m, labels: {alertname: Down}}]
    world: {front: unhealthy, web.service: failed}
    dependants: {app.service: [web.service]}
    steps: {restart app.service: {then: {front: healthy}}}
    expect: [{playbook: down, outcome: resolved}]`)
	if len(r.Differences) > 0 {
		t.Fatal(r.Differences)
	}
	along := slices.ContainsFunc(r.Result.Incidents[0].Plan.Rungs[0].Steps, func(s Step) bool {
		return slices.Contains(s.Takes, Unit("web.service"))
	})
	if !along {
		t.Errorf("expected the plan to show what goes along, found %v", r.Result.Incidents[0].Plan.Rungs[0].Steps)
	}
}
