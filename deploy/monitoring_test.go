package deploy_test

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"nightshift/test/world"
)

func TestPrometheusAcceptsTheRules(t *testing.T) {
	for _, file := range []string{"rave.yml", "rave-scenarios.yml", "rave-slo.yml", "rave-vm.yml", "nightshift.yml", "watchdog.yml"} {
		if out, err := host.Exec(t.Context(), "promtool", "check", "rules", "--lint=all", "--lint-fatal", "/srv/prometheus/"+file); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

func TestTheRulesFireWhenTheyShould(t *testing.T) {
	for _, file := range []string{"rave.test.yml", "rave-scenarios.test.yml", "rave-slo.test.yml", "rave-vm.test.yml", "nightshift.test.yml", "watchdog.test.yml"} {
		if out, err := host.Exec(t.Context(), "promtool", "test", "rules", "/srv/prometheus/"+file); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

func TestThePrometheusOutsideOfTheGuestIsAccepted(t *testing.T) {
	for _, argv := range [][]string{
		{"promtool", "check", "config", "--syntax-only", "/srv/rave-host/prometheus.yml"},
		{"prometheus-blackbox-exporter", "--config.check", "--config.file=/srv/rave-host/blackbox.yml"},
	} {
		if out, err := host.Exec(t.Context(), argv...); err != nil {
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

// The two configurations that are shipped, below /srv in the world.
const (
	siteRoutes = "alertmanager/alertmanager.yml"
	hostRoutes = "rave-host/alertmanager.yml"
)

func TestAlertmanagersAcceptTheRoutes(t *testing.T) {
	for _, amtool := range amtools(t) {
		for _, file := range []string{siteRoutes, hostRoutes} {
			if out, err := host.Exec(t.Context(), amtool, "check-config", "/srv/"+file); err != nil {
				t.Errorf("%s: %v\n%s", amtool, err, out)
			}
		}
	}
}

// TestEachAlertReachesThoseWhoItIsFor asks amtool, by the labels of an alert.
func TestEachAlertReachesThoseWhoItIsFor(t *testing.T) {
	tools, both := amtools(t), []string{siteRoutes, hostRoutes}
	for _, c := range []struct {
		files        []string
		labels, want string
	}{
		{both, "alertname=rave_system_down instance=rave-1", "nightshift,oncall"},
		{both, "alertname=rave_vm_down instance=rave-host severity=critical", "nightshift,oncall"},
		{both, "alertname=anything_else", "nightshift,oncall"},
		{both, "alertname=nightshift_down severity=critical", "pager"},
		{both, "alertname=nightshift_frozen severity=warning", "oncall"},
		{both, "alertname=NightshiftActing target=unit:grafana.service", "nobody"},
		{both, "alertname=Watchdog source=rave", "nightshift"},
		{both, "alertname=Watchdog source=rave-host", "nightshift"},
		{both, "alertname=NightshiftEscalation level=0 severity=1", "pager"},
		{both, "alertname=NightshiftEscalation level=0 severity=2", "pager"},
		{both, "alertname=NightshiftEscalation level=0 severity=3", "oncall"},
		{both, "alertname=NightshiftEscalation level=0 severity=4", "oncall"},
		{both, "alertname=NightshiftEscalation level=1 severity=1", "pager"},
		{both, "alertname=NightshiftEscalation level=1 severity=4", "pager"},
		{both, "alertname=NightshiftEscalation level=2 severity=2", "team-lead"},
		{both, "alertname=NightshiftEscalation level=3 severity=1", "management"},
		{both, "alertname=NightshiftEscalation level=12 severity=3", "management"},
		// One of a guest is told by the guest's own.
		{[]string{siteRoutes}, "alertname=rave_system_down source=rave", "nightshift,oncall"},
		{[]string{hostRoutes}, "alertname=rave_system_down source=rave", "nobody"},
	} {
		for _, file := range c.files {
			for _, amtool := range tools {
				out, err := host.Exec(t.Context(), append([]string{amtool, "config", "routes", "test", "--config.file=/srv/" + file}, strings.Fields(c.labels)...)...)
				if got := strings.TrimSpace(out); err != nil || got != c.want {
					t.Errorf("%s: by %s, %s goes to %q (%v), want %q", amtool, file, c.labels, got, err, c.want)
				}
			}
		}
	}
}

func TestTheHostsRoutesAreTheSitesAndOneMore(t *testing.T) {
	site, outside := parsed(t, siteRoutes), parsed(t, hostRoutes)
	routes := field(t, field(t, outside, "route"), "routes")
	const more = 1 // behind the Watchdog's
	routes.Content = append(routes.Content[:more:more], routes.Content[more+1:]...)
	if got, want := written(t, outside), written(t, site); got != want {
		t.Errorf("without that route the host's is\n%s\nand the site's\n%s", got, want)
	}
}

func parsed(t *testing.T, file string) *yaml.Node {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return document.Content[0]
}

// field is the value of a key of a mapping.
func field(t *testing.T, mapping *yaml.Node, key string) *yaml.Node {
	t.Helper()
	for n := 0; n+1 < len(mapping.Content); n += 2 {
		if mapping.Content[n].Value == key {
			return mapping.Content[n+1]
		}
	}
	t.Fatalf("there is no %s", key)
	return nil
}

// written is a YAML value without its comments.
func written(t *testing.T, node *yaml.Node) string {
	t.Helper()
	var bare func(*yaml.Node)
	bare = func(n *yaml.Node) {
		n.HeadComment, n.LineComment, n.FootComment = "", "", ""
		for _, child := range n.Content {
			bare(child)
		}
	}
	bare(node)
	text, err := yaml.Marshal(node)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestNoRuleThatAPlaybookIsForMayBeMuted: there is one for each of these, and a muted
// alert reaches the agent neither firing nor resolved.
func TestNoRuleThatAPlaybookIsForMayBeMuted(t *testing.T) {
	for _, file := range []string{"prometheus/rave.yml", "prometheus/rave-scenarios.yml", "prometheus/rave-vm.yml"} {
		for _, group := range field(t, parsed(t, file), "groups").Content {
			for _, rule := range field(t, group, "rules").Content {
				name := field(t, rule, "alert").Value
				if labels := written(t, field(t, rule, "labels")); strings.Contains(labels, "during_repair") {
					t.Errorf("%s of %s may be muted: %s", name, file, labels)
				}
			}
		}
	}
}
