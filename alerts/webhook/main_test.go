package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"nightshift/alerts"
	"nightshift/alerts/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// t0 is when all notifications of these tests come in.
var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const token = "correct-horse"

// site is a handler with what it needs, and what it did.
type site struct {
	*webhook.Handler
	store   *memory
	metrics *prometheus.Registry
	log     bytes.Buffer
	token   string // the path of the token file
}

// newSite makes a handler for alerts with host="us" that asks for token.
func newSite(t testing.TB, change ...func(*webhook.Options)) *site {
	t.Helper()
	s := &site{store: &memory{}, metrics: prometheus.NewRegistry(), token: filepath.Join(t.TempDir(), "token")}
	write(t, s.token, token+"\n")
	scope, err := alerts.ParseScope([]string{`host="us"`})
	if err != nil {
		t.Fatal(err)
	}
	o := webhook.Options{
		Store: s.store, Mine: scope.Mine, TokenFile: s.token,
		Metrics: webhook.NewMetrics(s.metrics, "joined"),
		Log:     slog.New(slog.NewJSONHandler(&s.log, nil)),
		Now:     func() time.Time { return t0 },
	}
	for _, c := range change {
		c(&o)
	}
	if s.Handler, err = webhook.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// memory is a store that keeps batches in memory and does what it is told.
type memory struct {
	gate chan error // when not nil, each call waits for its outcome

	mu      sync.Mutex
	batches [][]alerts.Notification
	sizes   []int
}

var _ webhook.Store = (*memory)(nil)

func (m *memory) StoreAlerts(ctx context.Context, batch []byte) error {
	if m.gate != nil {
		select {
		case err := <-m.gate:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	notifications, err := alerts.DecodeBatch(batch)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.batches = append(m.batches, notifications)
	m.sizes = append(m.sizes, len(batch))
	return nil
}

// stored lists the alertnames of each batch, in order.
func (m *memory) stored() (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, batch := range m.batches {
		var of []string
		for _, n := range batch {
			for _, a := range n.Alerts {
				of = append(of, a.Name())
			}
		}
		names = append(names, strings.Join(of, " "))
	}
	return names
}

// alert is the JSON of an alert about a host.
func alert(host, name string) string {
	return fmt.Sprintf(`{"status":"firing","labels":{"alertname":%q,"host":%q},"startsAt":"2026-03-01T11:59:00Z"}`, name, host)
}

// notification is the JSON of a notification of these alerts.
func notification(all ...string) string {
	return `{"version":"4","receiver":"nightshift","groupKey":"{}","alerts":[` + strings.Join(all, ",") + `]}`
}

// post is a good request, before it is changed.
func post(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, webhook.Path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// serve answers a request without a network.
func (s *site) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// listen serves s with the product's server, changed for the test.
func (s *site) listen(t testing.TB, conns *webhook.Conns, change func(*http.Server)) (addr string) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Listener = conns.Listener(server.Listener)
	server.Config = webhook.NewServer(s, conns, slog.New(slog.DiscardHandler))
	if change != nil {
		change(server.Config)
	}
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// count reads a counter by its only label.
func (s *site) count(t testing.TB, metric, label string) float64 {
	t.Helper()
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == metric && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("no metric %s with the label %q", metric, label)
	return 0
}

// entries are the lines of the log.
func (s *site) entries(t testing.TB) (entries []map[string]any) {
	t.Helper()
	for decoder := json.NewDecoder(&s.log); ; {
		var entry map[string]any
		if err := decoder.Decode(&entry); err == io.EOF {
			return entries
		} else if err != nil {
			t.Fatalf("the log is not JSON: %v", err)
		}
		entries = append(entries, entry)
	}
}
