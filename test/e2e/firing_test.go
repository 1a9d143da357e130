package e2e

import (
	"encoding/json"
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/test/stage"
)

// TestWhatFiresIsExplained asks a pair of Alertmanagers, of which one is down, what
// fires, and the agent what it would do about that.
func TestWhatFiresIsExplained(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	am := startAlertmanager(t, a, releases[0], 9093)
	explained := func() []engine.Explanation {
		out, err := a.World.Exec(t.Context(), "env", "NIGHTSHIFT_ALERTMANAGER_URL=http://127.0.0.1:9093,http://127.0.0.1:9094",
			"/usr/bin/nightshift", "explain", "--firing", "--output=json")
		if err != nil {
			t.Fatal(err)
		}
		var all []engine.Explanation
		if err := json.Unmarshal([]byte(out), &all); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		return all
	}
	if all := explained(); len(all) != 0 {
		t.Errorf("when nothing fires, explained is %+v", all)
	}

	am.tell(stage.Alert{Name: "NobodyKnowsThis"})
	var all []engine.Explanation
	a.Await("Alertmanager to list the alert", func() bool { all = explained(); return len(all) > 0 })
	if len(all) != 1 || all[0].Alert != "NobodyKnowsThis" || all[0].Fate != remediate.FateUnmatched {
		t.Errorf("explained is %+v, want the one alert that has no playbook", all)
	}
}
