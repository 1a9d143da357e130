package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"nightshift/test/stage"
	"nightshift/test/world"
)

// alertmanager is one that runs in the world with the shipped route.
type alertmanager struct {
	t       *testing.T
	in      *world.World
	address string
}

// release is an Alertmanager to test with.
type release struct {
	name    string
	program func(t *testing.T) string // its path in the world
}

// releases are those that the agent is meant for: of Debian 12, and a recent one.
var releases = []release{
	{"0.25 of Debian", func(*testing.T) string { return "/usr/bin/prometheus-alertmanager" }},
	{"0.31.1", func(t *testing.T) string {
		const inside = "/usr/local/bin/alertmanager"
		if _, err := os.Stat(on.World.Path(inside)); err == nil {
			return inside
		}
		program, err := world.RecentAlertmanager.Install(t.Context(), os.Stderr)
		if err != nil {
			t.Fatal(err)
		}
		if err := on.World.CopyIn(program, inside); err != nil {
			t.Fatal(err)
		}
		return inside
	}},
}

// Paths of an Alertmanager, as its shipped configuration names them.
const (
	routeFile      = "/etc/prometheus/alertmanager.yml"
	routeTokenFile = "/etc/prometheus/nightshift.token"
)

// quick divides the routes' waits, each of which must be there once, so that a
// repeat comes after a second and not after five minutes.
var quick = map[string]string{
	"      group_interval: 10s\n": "      group_interval: 500ms\n",
	"      repeat_interval: 5m\n": "      repeat_interval: 1s\n",

	// The Watchdog's.
	"      group_interval: 1m\n      repeat_interval: 50s\n": "      group_interval: 500ms\n      repeat_interval: 400ms\n",
}

// shippedRoute is deploy/alertmanager with nothing changed but those waits.
func shippedRoute(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../deploy/alertmanager/alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	for slow, fast := range quick {
		if n := bytes.Count(text, []byte(slow)); n != 1 {
			t.Fatalf("the shipped route has %q %d times, want once", slow, n)
		}
		text = bytes.Replace(text, []byte(slow), []byte(fast), 1)
	}
	return text
}

// startAlertmanager runs an Alertmanager as a unit of the world until the test
// ends, alone: it has no peers that would keep it from sending.
func startAlertmanager(t *testing.T, a *stage.Agent, r release, port int) *alertmanager {
	t.Helper()
	for path, text := range map[string][]byte{routeFile: shippedRoute(t), routeTokenFile: []byte(a.Token())} {
		if err := a.World.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	am := &alertmanager{t: t, in: a.World, address: fmt.Sprintf("127.0.0.1:%d", port)}
	unit := fmt.Sprintf("alertmanager-%d.service", port)
	_, err := a.World.Exec(t.Context(), "systemd-run", "--quiet", "--collect", "--unit="+unit, "--uid=prometheus",
		"--property=PrivateTmp=yes", r.program(t), "--config.file="+routeFile, "--storage.path=/tmp/alertmanager",
		"--web.listen-address="+am.address, "--cluster.listen-address=")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Kill(context.WithoutCancel(t.Context()), unit); err != nil {
			t.Error(err)
		}
	})
	a.Await("Alertmanager to be ready", am.ready)
	return am
}

func (am *alertmanager) ready() bool {
	answer, err := am.in.HTTPClient().Get("http://" + am.address + "/-/ready")
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// tell posts an alert to the API, as Prometheus does: with an end in the future
// while it fires, and in the past when it is resolved.
func (am *alertmanager) tell(a stage.Alert) {
	am.t.Helper()
	now := time.Now().UTC()
	ends := now.Add(time.Hour)
	if a.Resolved {
		ends = now.Add(-time.Millisecond)
	}
	body, err := json.Marshal([]map[string]any{{
		"labels": a.Labels(), "startsAt": now.Add(-time.Minute), "endsAt": ends, "generatorURL": "http://prometheus.example/graph",
	}})
	if err != nil {
		am.t.Fatal(err)
	}
	answer, err := am.in.HTTPClient().Post("http://"+am.address+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil {
		am.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		am.t.Fatalf("Alertmanager answers %s", answer.Status)
	}
}

// forEachRelease runs a test with each Alertmanager and an agent of its own.
func forEachRelease(t *testing.T, test func(t *testing.T, a *stage.Agent, am *alertmanager)) {
	for _, r := range releases {
		t.Run(strings.ReplaceAll(r.name, " ", "-"), func(t *testing.T) {
			a := on.Begin(t, stage.Option{})
			test(t, a, startAlertmanager(t, a, r, 9093))
		})
	}
}
