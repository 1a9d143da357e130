package world

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// patience is how long an alert may take on a machine that does other work
// too; the log tells how long it took.
const patience = 2 * time.Minute

// delivery is one alert as the receiver was told.
type delivery struct {
	Status   string
	Labels   map[string]string
	StartsAt time.Time
}

// receive stands where the agent will: on the address that the shipped route
// posts to. It passes on what comes with the right token.
func receive(t *testing.T, w *World) <-chan delivery {
	t.Helper()
	listener, err := w.Listen("tcp", "127.0.0.1:9797")
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan delivery, 1000)
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost { // Prometheus scrapes, too
			http.NotFound(rw, r)
			return
		}
		if r.URL.Path != "/webhook/alertmanager" || r.Header.Get("Authorization") != "Bearer "+w.Token() {
			t.Errorf("%s with Authorization %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		var message struct{ Alerts []delivery }
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			t.Error(err)
		}
		for _, alert := range message.Alerts {
			told <- alert
		}
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	return told
}

// await returns when the receiver is told of the alert in that state, for
// this host.
func await(t *testing.T, told <-chan delivery, alert, status string) {
	t.Helper()
	awaitSince(t, time.Time{}, told, alert, status, Hostname)
}

// awaitSince is await for an alert of that host that began since then.
func awaitSince(t *testing.T, since time.Time, told <-chan delivery, alert, status, host string) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case d := <-told:
			if d.Labels["alertname"] == alert && d.Status == status && !d.StartsAt.Before(since) {
				if d.Labels["instance"] != host {
					t.Errorf("%s is about %q, want %s", alert, d.Labels["instance"], host)
				}
				return
			}
		case <-late:
			t.Fatalf("no %s %s within %s", status, alert, patience)
		}
	}
}

// TestBreaksAreToldAndARestartMends is the world's promise to everything that
// is tested in it: what breaks is noticed by the shipped rules, told by the
// shipped route, and mended by restarting what broke.
func TestBreaksAreToldAndARestartMends(t *testing.T) {
	for _, c := range []struct {
		name   string
		breaks func(context.Context) error
		alert  string
		mend   []string // systemctl's arguments, one command each
	}{
		{"wedged dispatcher", site.WedgeDispatcher, "rave_webhook_errors", []string{"restart webhook-dispatcher"}},
		{"leaking grafana", site.LeakGrafana, "rave_high_memory_usage", []string{"restart grafana"}},
		{"killed nginx", site.KillNginx, "rave_system_down", []string{"reset-failed nginx", "restart nginx"}},
		{"nginx that quit", site.QuitNginx, "rave_system_down", []string{"restart nginx"}},
		{"stopped postgresql", site.StopPostgres, "rave_system_down", []string{"restart postgresql"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := receive(t, site)
			start := time.Now()
			if err := c.breaks(t.Context()); err != nil {
				t.Fatal(err)
			}
			broken := time.Since(start)
			await(t, told, c.alert, "firing")
			t.Logf("broken in %.1f s, %s told after %.1f s", broken.Seconds(), c.alert, time.Since(start).Seconds())
			mended := time.Now()
			for _, command := range c.mend {
				if _, err := site.Exec(t.Context(), append([]string{"systemctl"}, strings.Fields(command)...)...); err != nil {
					t.Fatal(err)
				}
			}
			await(t, told, c.alert, "resolved")
			t.Logf("resolved %.1f s after the restart", time.Since(mended).Seconds())
			if err := site.AwaitHealthy(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTheRecentAlertmanagerSpeaksToTheSameReceiver boots a second world
// beside the first, with the same ports.
func TestTheRecentAlertmanagerSpeaksToTheSameReceiver(t *testing.T) {
	w, err := Start(t.Context(), Options{Services: Site, Factor: testFactor, Alertmanager: Recent, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	told := receive(t, w)
	if err := w.WedgeDispatcher(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, told, "rave_webhook_errors", "firing")
	unit, err := w.Properties(t.Context(), "prometheus-alertmanager.service", "MainPID")
	if err != nil {
		t.Fatal(err)
	}
	program, err := w.Exec(t.Context(), "readlink", "/proc/"+unit["MainPID"]+"/exe")
	if err != nil || program != "/usr/local/bin/alertmanager\n" {
		t.Errorf("told by %q (%v), want the recent Alertmanager", program, err)
	}
}
