// Package ring runs real Alertmanagers for the tests of one package: each is a child
// of the test with a directory of its own, on loopback, without peers unless asked.
package ring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"nightshift/test/world"
)

// Alertmanager is one that runs, and the pager that it calls.
type Alertmanager struct {
	URL string
	t   *testing.T
	dir string
	cmd *exec.Cmd

	mu    sync.Mutex
	calls []Call
}

// Call is one alert of one notification to the pager.
type Call struct {
	Status string            `json:"status"`
	Labels map[string]string `json:"labels"`
}

// Start runs an Alertmanager until the test ends. It calls for each alert of its own,
// at once, and again only after hours.
func Start(t *testing.T) *Alertmanager {
	t.Helper()
	am := &Alertmanager{t: t, dir: t.TempDir(), URL: "http://" + freeAddress(t)}
	pager := httptest.NewServer(http.HandlerFunc(am.called))
	t.Cleanup(pager.Close)
	config := fmt.Sprintf(`
route: {receiver: pager, group_by: ['...'], group_wait: 0s, group_interval: 200ms, repeat_interval: 4h}
receivers: [{name: pager, webhook_configs: [{url: %q, send_resolved: true}]}]
`, pager.URL)
	if err := os.WriteFile(filepath.Join(am.dir, "config.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	am.Run()
	t.Cleanup(am.Stop)
	return am
}

// freeAddress is one that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Run starts it, or starts it again with the silences that it had.
func (am *Alertmanager) Run() {
	am.t.Helper()
	program, err := world.RecentAlertmanager.Install(am.t.Context(), os.Stderr)
	if err != nil {
		am.t.Fatal(err)
	}
	am.cmd = exec.Command(program, "--config.file="+filepath.Join(am.dir, "config.yml"), "--storage.path="+filepath.Join(am.dir, "data"),
		"--web.listen-address="+am.URL[len("http://"):], "--cluster.listen-address=", "--log.level=warn")
	am.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	am.cmd.Stderr = am.t.Output()
	if err := am.cmd.Start(); err != nil {
		am.t.Fatal(err)
	}
	am.Await("Alertmanager to be ready", func() bool {
		answer, err := am.get("/-/ready")
		return err == nil && answer == "OK"
	})
}

// Stop ends it in order: it writes its silences down.
func (am *Alertmanager) Stop() {
	if am.cmd == nil {
		return
	}
	if err := am.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		am.t.Error(err)
	}
	_ = am.cmd.Wait() // how it ends is its own
	am.cmd = nil
}

// Hang stops it from answering, though its address accepts connections; Resume lets
// it go on.
func (am *Alertmanager) Hang() { am.signal(syscall.SIGSTOP) }

// Resume ends Hang.
func (am *Alertmanager) Resume() { am.signal(syscall.SIGCONT) }

func (am *Alertmanager) signal(s syscall.Signal) {
	am.t.Helper()
	if err := am.cmd.Process.Signal(s); err != nil {
		am.t.Fatal(err)
	}
}

// Await waits until it is so, for as long as the test may last.
func (am *Alertmanager) Await(what string, so func() bool) {
	am.t.Helper()
	ctx, cancel := context.WithTimeout(am.t.Context(), 2*time.Minute)
	defer cancel()
	for !so() {
		select {
		case <-ctx.Done():
			am.t.Fatalf("waited in vain for %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// called takes a notification.
func (am *Alertmanager) called(_ http.ResponseWriter, r *http.Request) {
	var notification struct {
		Alerts []Call `json:"alerts"`
	}
	switch err := json.NewDecoder(r.Body).Decode(&notification); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return // it was stopped while it told
	case err != nil:
		am.t.Error(err)
	}
	am.mu.Lock()
	defer am.mu.Unlock()
	am.calls = append(am.calls, notification.Alerts...)
}

// Calls are those so far that have all of the labels, and the status.
func (am *Alertmanager) Calls(status string, labels map[string]string) []Call {
	am.mu.Lock()
	defer am.mu.Unlock()
	var fit []Call
	for _, call := range am.calls {
		if call.Status == status && has(call.Labels, labels) {
			fit = append(fit, call)
		}
	}
	return fit
}

func has(labels, wanted map[string]string) bool {
	for name, value := range wanted {
		if labels[name] != value {
			return false
		}
	}
	return true
}

// Post sends JSON to the API, as a person's tool or a Prometheus does, and returns the
// answer.
func (am *Alertmanager) Post(path string, body any) string {
	am.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		am.t.Fatal(err)
	}
	answer, err := http.Post(am.URL+"/api/v2/"+path, "application/json", bytes.NewReader(text))
	if err != nil {
		am.t.Fatal(err)
	}
	return am.read(answer)
}

// Get reads JSON of the API.
func (am *Alertmanager) Get(path string, into any) {
	am.t.Helper()
	text, err := am.get("/api/v2/" + path)
	if err == nil {
		err = json.Unmarshal([]byte(text), into)
	}
	if err != nil {
		am.t.Fatal(err)
	}
}

func (am *Alertmanager) get(path string) (string, error) {
	answer, err := http.Get(am.URL + path)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

func (am *Alertmanager) read(answer *http.Response) string {
	am.t.Helper()
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		am.t.Fatalf("Alertmanager answers %s %s (%v)", answer.Status, text, err)
	}
	return string(text)
}

// Fire posts an alert as Prometheus does; it goes on for an hour.
func (am *Alertmanager) Fire(labels map[string]string) { am.post(labels, time.Hour) }

// Resolve posts the same alert as over.
func (am *Alertmanager) Resolve(labels map[string]string) { am.post(labels, -time.Millisecond) }

func (am *Alertmanager) post(labels map[string]string, ends time.Duration) {
	am.t.Helper()
	now := time.Now().UTC()
	am.Post("alerts", []map[string]any{{"labels": labels, "startsAt": now.Add(-time.Minute), "endsAt": now.Add(ends)}})
}

// Silence makes a silence as a person does, for exactly these labels, and returns its
// ID.
func (am *Alertmanager) Silence(by, comment string, labels map[string]string) string {
	am.t.Helper()
	var matchers []map[string]any
	for name, value := range labels {
		matchers = append(matchers, map[string]any{"name": name, "value": value, "isRegex": false, "isEqual": true})
	}
	var made struct {
		ID string `json:"silenceID"`
	}
	now := time.Now().UTC()
	text := am.Post("silences", map[string]any{
		"matchers": matchers, "startsAt": now, "endsAt": now.Add(time.Hour), "createdBy": by, "comment": comment,
	})
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		am.t.Fatal(err)
	}
	return made.ID
}

// Holding is an alert that an Alertmanager has.
type Holding struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	EndsAt      time.Time         `json:"endsAt"`
	Status      struct {
		State      string   `json:"state"`
		SilencedBy []string `json:"silencedBy"`
	} `json:"status"`
}

// Holds are the alerts that fire there and have all of the labels.
func (am *Alertmanager) Holds(labels map[string]string) []Holding {
	am.t.Helper()
	var all, fit []Holding
	am.Get("alerts", &all)
	for _, h := range all {
		if has(h.Labels, labels) {
			fit = append(fit, h)
		}
	}
	return fit
}

// Mute is a silence that an Alertmanager has.
type Mute struct {
	ID        string    `json:"id"`
	CreatedBy string    `json:"createdBy"`
	Comment   string    `json:"comment"`
	EndsAt    time.Time `json:"endsAt"`
	Status    struct {
		State string `json:"state"`
	} `json:"status"`
}

// Mutes are the silences that hold there and that somebody of that name made.
func (am *Alertmanager) Mutes(by string) []Mute {
	am.t.Helper()
	var all, fit []Mute
	am.Get("silences", &all)
	for _, m := range all {
		if m.CreatedBy == by && m.Status.State == "active" {
			fit = append(fit, m)
		}
	}
	return fit
}
