package agent

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// settings are those of an agent in a folder of its own, on free ports.
func settings(t *testing.T) Settings {
	t.Helper()
	return Settings{
		Config: "builtin:rave", Mode: remediate.Act, StateDir: t.TempDir(),
		Listen: "127.0.0.1:0", NATSListen: "127.0.0.1:0", PrometheusURL: "http://127.0.0.1:1",
		LogLevel: "info", LogFormat: "auto",
	}
}

// start runs an agent until the test ends.
func start(t *testing.T, s Settings) *Agent {
	t.Helper()
	a, err := New(s, "v0.0.0", slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, a) })
	return a
}

func stop(t *testing.T, a *Agent) {
	t.Helper()
	if err := a.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// firing is the body of a webhook with one firing alert.
func firing(name string) string {
	return fmt.Sprintf(`{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"alertname":%q,"instance":"localhost:9100"},"annotations":{},"startsAt":"2026-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z"}]}`, name)
}

func post(t *testing.T, a *Agent, body string) {
	t.Helper()
	r, err := http.Post("http://"+a.Addr()+"/webhook/alertmanager", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if text, _ := io.ReadAll(r.Body); r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", r.Status, text)
	}
}

// operator is the operator's side of the agent.
func operator(t *testing.T, a *Agent) *oncall.Client {
	t.Helper()
	url, user, host, seed := a.Operator()
	c, err := oncall.Connect(url, user, host, seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// incidents waits until the list has one that fits.
func incidents(t *testing.T, c *oncall.Client, fits func(oncall.Summary) bool) oncall.Summary {
	t.Helper()
	for t.Context().Err() == nil {
		var list []oncall.Summary
		if err := c.Ask(t.Context(), oncall.AskIncidents, oncall.Filter{}, &list); err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			if fits(s) {
				return s
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("no incident fits")
	return oncall.Summary{}
}

func TestWithoutSystemdItReceivesRecordsAndHandsOver(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/nothing")
	a := start(t, settings(t))
	post(t, a, firing("rave_webhook_errors"))
	c := operator(t, a)
	got := incidents(t, c, func(s oncall.Summary) bool { return s.Playbook == "webhook-errors" })
	if got.State != remediate.Open && got.State != remediate.Waiting {
		t.Errorf("the incident is %s, want it to wait while nothing can be seen", got.State)
	}
	if lacks := a.degraded(t.Context()); lacks["systemd"] == "" {
		t.Errorf("degraded = %v, want it to say that systemd can't be reached", lacks)
	}
}

func TestAnIncidentOutlivesARestart(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/nothing")
	s := settings(t)
	first := start(t, s)
	post(t, first, firing("rave_webhook_errors"))
	before := incidents(t, operator(t, first), func(s oncall.Summary) bool { return true })
	stop(t, first)

	second := start(t, s)
	after := incidents(t, operator(t, second), func(s oncall.Summary) bool { return true })
	if after.ID != before.ID {
		t.Errorf("after a restart there is incident %s, before it was %s", after.ID, before.ID)
	}
}

func TestDamageThatIsFoundLateFreezesAtOnce(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/nothing")
	s := settings(t)
	// Seven batches of alerts were stored, and the store has none: that is found
	// only when they are read, after the log.
	if err := os.WriteFile(filepath.Join(s.StateDir, "journal.alerts"), []byte("00000000000000000007\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	a := start(t, s)
	if lacks := a.degraded(t.Context()); lacks["journal_damage"] == "" {
		t.Fatal("the damage is not noticed")
	}
	if f, err := a.engine.Frozen(t.Context()); err != nil || f == nil || !f.Damage {
		t.Errorf("frozen by %+v (%v), want it by the damage: what /-/ready says has to be so", f, err)
	}
	c := operator(t, a)
	if _, err := c.Do(t.Context(), oncall.Thaw, oncall.Request{}); err == nil || !strings.Contains(err.Error(), "journal accept") {
		t.Errorf("thaw says %v, want it to name `journal accept`", err)
	}
	if _, err := c.Do(t.Context(), oncall.Accept, oncall.Request{Comment: "a test"}); err != nil {
		t.Fatal(err)
	}
	if f, err := a.engine.Frozen(t.Context()); err != nil || f == nil || f.Damage || f.By != operatorUser {
		t.Errorf("frozen by %+v (%v), want it by who accepted", f, err)
	}
}
