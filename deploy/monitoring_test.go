package deploy_test

import (
	"strings"
	"testing"

	"nightshift/test/world"
)

func TestPrometheusAcceptsTheRules(t *testing.T) {
	for _, file := range []string{"rave.yml", "rave-vm.yml", "nightshift.yml"} {
		if out, err := host.Exec(t.Context(), "promtool", "check", "rules", "--lint=all", "--lint-fatal", "/srv/prometheus/"+file); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

func TestTheRulesFireWhenTheyShould(t *testing.T) {
	for _, file := range []string{"rave.test.yml", "rave-vm.test.yml", "nightshift.test.yml"} {
		if out, err := host.Exec(t.Context(), "promtool", "test", "rules", "/srv/prometheus/"+file); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// amtools are Debian's amtool and the recent one, inside the world.
func amtools(t *testing.T) []string {
	t.Helper()
	recent, err := world.RecentAmtool.Install(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if err := host.CopyIn(recent, "/usr/local/bin/amtool-recent"); err != nil {
		t.Fatal(err)
	}
	return []string{"amtool", "amtool-recent"}
}

func TestAlertmanagersAcceptTheRoute(t *testing.T) {
	for _, amtool := range amtools(t) {
		if out, err := host.Exec(t.Context(), amtool, "check-config", "/srv/alertmanager/alertmanager.yml"); err != nil {
			t.Errorf("%s: %v\n%s", amtool, err, out)
		}
	}
}

func TestTheAgentIsToldFirstAndPeopleToo(t *testing.T) {
	for _, amtool := range amtools(t) {
		for alert, want := range map[string]string{
			"rave_system_down":       "nightshift,oncall",
			"rave_high_memory_usage": "nightshift,oncall",
			"anything_else":          "nightshift,oncall",
			"nightshift_down":        "oncall",
		} {
			out, err := host.Exec(t.Context(), amtool, "config", "routes", "test",
				"--config.file=/srv/alertmanager/alertmanager.yml", "alertname="+alert, "instance=rave-1")
			if got := strings.TrimSpace(out); err != nil || got != want {
				t.Errorf("%s: %s goes to %q (%v), want %q", amtool, alert, got, err, want)
			}
		}
	}
}
