package backtest_test

import (
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nightshift/alerts"
	. "nightshift/remediate"
	"nightshift/remediate/backtest"
	"nightshift/remediate/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var began = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func config(autonomy Autonomy) engine.Config {
	return engine.Config{
		Mode: Act,
		Playbooks: []Playbook{Playbook{
			Name: "down", Match: alerts.Matching(`alertname="Down"`), Target: TargetRule{Unit: "app.service"}, Autonomy: autonomy,
			Ladder: []Rung{{Name: "restart it", Do: []Move{{Do: VerbRestart, On: Selector{Unit: "app.service"}}}}}, Verify: Verify{Healthy: []string{"front"}},
		}.WithDefaults()},
		Inventory: Inventory{Host: "h1", Units: map[string]ManagedUnit{"app.service": {}}},
	}
}

func fired(name string, after, lasts time.Duration) backtest.Fired {
	return backtest.Fired{Labels: map[string]string{"alertname": name, "instance": "h1"}, From: began.Add(after), Until: began.Add(after + lasts)}
}

func run(t *testing.T, c engine.Config, all ...backtest.Fired) backtest.Report {
	t.Helper()
	scope, err := alerts.ParseScope([]string{`instance="h1"`})
	if err != nil {
		t.Fatal(err)
	}
	report, err := backtest.Run(c, scope, all, began, began.Add(30*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestWhatWouldHaveBeenDone(t *testing.T) {
	day := 24 * time.Hour
	elsewhere := fired("Down", 4*day, time.Hour)
	elsewhere.Labels["instance"] = "h2"
	all := []backtest.Fired{fired("Down", day, 20*time.Minute), fired("Other", 2*day, time.Hour), fired("Down", 3*day, 2*time.Hour), elsewhere}
	for autonomy, would := range map[Autonomy]backtest.Would{Act: backtest.Acts, Approve: backtest.Asks, WatchOnly: backtest.Watches} {
		r := run(t, config(autonomy), all...)
		if r.Sum[would] != 2 || len(r.Incidents) != 2 || r.Unmatched != 1 || r.NotMine != 1 || r.Alerts != 4 {
			t.Errorf("%s: %+v", autonomy, r)
		}
		i := r.Incidents[0]
		if !i.At.Equal(began.Add(day)) || i.Playbook != "down" || i.Target != "unit:app.service" || !slices.Equal(i.Steps, []string{"restart app.service"}) {
			t.Errorf("%s: %+v", autonomy, i)
		}
	}
}

// Four times within an hour is more than may be: that much is known without knowing
// what came of each.
func TestWhatTheGatesCountIsCounted(t *testing.T) {
	var all []backtest.Fired
	for n := range 6 {
		all = append(all, fired("Down", time.Duration(n)*18*time.Minute+24*time.Hour, 2*time.Minute))
	}
	r := run(t, config(Act), all...)
	if r.Sum[backtest.Acts] == 0 || r.Sum[backtest.Acts] >= 6 {
		t.Errorf("%+v", r.Sum)
	}
}

func TestNoAlertsAreNothing(t *testing.T) {
	if r := run(t, config(Act)); len(r.Incidents) != 0 || r.Alerts != 0 {
		t.Errorf("%+v", r)
	}
}
