package inventory

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/alerts"
	"nightshift/remediate"
)

// small is an inventory with room for one more section.
const small = "host: {name: h1, alerts: ['job=\"x\"']}\nunits: {a.service: {}, b.service: {}, c.service: {}}\n"

func parsed(t *testing.T, more string) *File {
	t.Helper()
	file, err := Parse("x.yaml", []byte(small+more), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheFiguresOfTheGatesHaveDefaults(t *testing.T) {
	want := remediate.DefaultLimits
	want.StartupGrace = remediate.DefaultStartupGrace
	if diff := cmp.Diff(want, parsed(t, "").Core().Limits); diff != "" {
		t.Error(diff)
	}
	if got := parsed(t, "startup_grace: 0s").Core().Limits.StartupGrace; got != 0 {
		t.Errorf("no grace is %s", got)
	}
}

func TestTheFiguresOfTheGatesCanBeSet(t *testing.T) {
	inv := parsed(t, `
rates: {touched: 5/10m, host: [7/1h, 9/1d]}
breaker: {touched: 4}
flapping: 9/2h
playbooks: [{name: p, rates: [1/1h], breaker: 7, flapping: 2/1m, keep_level: true}]
`).Core()
	hour := time.Hour
	for name, c := range map[string]struct{ got, want any }{
		"touched":       {inv.RatesOf(remediate.Unit("a.service")), []remediate.Rate{{Max: 5, Per: 10 * time.Minute}}},
		"host":          {inv.Limits.Host, []remediate.Rate{{Max: 7, Per: hour}, {Max: 9, Per: 24 * hour}}},
		"by another":    {inv.RatesBy("q"), remediate.DefaultLimits.Playbook},
		"by p":          {inv.RatesBy("p"), []remediate.Rate{{Max: 1, Per: hour}}},
		"breaker":       {inv.BreakerOf(remediate.Unit("a.service")), 4},
		"breaker of p":  {inv.BreakerBy("p"), 7},
		"breaker of q":  {inv.BreakerBy("q"), 3},
		"flapping":      {inv.FlappingOf("q"), remediate.Rate{Max: 9, Per: 2 * hour}},
		"flapping of p": {inv.FlappingOf("p"), remediate.Rate{Max: 2, Per: time.Minute}},
		"p keeps":       {inv.Own["p"].KeepsLevel, true},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAShareOfAGroupIsRoundedUp(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "1": 1, "3": 3, "1%": 1, "34%": 2, "50%": 2, "67%": 3, "100%": 3} {
		inv := parsed(t, "groups: {g: {units: [a.service, b.service, c.service], min_healthy: "+text+"}}").Core()
		if got := inv.Groups["g"].MinHealthy; got != want {
			t.Errorf("%s of 3 is %d, should be %d", text, got, want)
		}
	}
}

func TestMaintenanceIsAboutWhatItNames(t *testing.T) {
	inv := parsed(t, `
maintenance:
  - {name: a, times: [{times: [{start_time: '02:00', end_time: '04:00'}]}], units: [a.service], playbooks: [p]}
  - {name: all, times: [{times: [{start_time: '12:00', end_time: '13:00'}]}]}
playbooks: [{name: p}]
`).Core()
	night := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	a, b := []remediate.Target{remediate.Unit("a.service")}, []remediate.Target{remediate.Unit("b.service")}
	for name, c := range map[string]struct {
		m        int
		playbook string
		on       []remediate.Target
		at       time.Time
		want     bool
	}{
		"its unit":         {0, "q", a, night, true},
		"another unit":     {0, "q", b, night, false},
		"its playbook":     {0, "p", b, night, true},
		"at another time":  {0, "p", a, night.Add(time.Hour), false},
		"all":              {1, "q", b, night.Add(9 * time.Hour), true},
		"all, but not now": {1, "q", b, night, false},
	} {
		if got := inv.Maintenance[c.m].Covers(c.playbook, c.on, c.at); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestWhatAlwaysFiresIsThisHosts: the alert of a source is heard whatever the host's
// own alerts are.
func TestWhatAlwaysFiresIsThisHosts(t *testing.T) {
	file := parsed(t, `sources: {rave: {match: ['alertname="Watchdog"', 'source="rave"'], target: unit:a.service}}`)
	watchdog := func(source string) alerts.Alert {
		return alerts.Alert{Labels: map[string]string{"alertname": "Watchdog", "source": source}}
	}
	if !file.Scope.Mine(watchdog("rave")) || file.Scope.Mine(watchdog("other")) {
		t.Error("the scope is not the host's and that of its sources")
	}
	s := file.Core().Sources["rave"]
	if s.Within != 3*time.Minute || s.Target != remediate.Unit("a.service") || !s.Match.Matches(watchdog("rave").Labels) {
		t.Errorf("%+v", s)
	}
	if !s.Has(alerts.Alert{Labels: map[string]string{"alertname": "Down", "source": "rave"}}) || s.Has(remediate.SourceAlert("rave", s, true, time.Time{})) {
		t.Error("what comes from a source is what has its name, but for the alert about itself")
	}
}
