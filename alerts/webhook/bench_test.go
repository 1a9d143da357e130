package webhook_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	amwebhook "github.com/prometheus/alertmanager/notify/webhook"

	"nightshift/alerts"
	"nightshift/alerts/webhook"
)

// instant is a store that costs nothing.
type instant struct{}

func (instant) StoreAlerts(context.Context, []byte) error { return nil }

// real is a notification of n alerts as long as they are in life: 570 bytes each.
func real(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`{"status":"firing","labels":{"alertname":"UnitFailed","host":"us","instance":"web-%d:9100",`+
			`"job":"node","name":"nginx.service","severity":"critical","state":"failed","type":"simple"},`+
			`"annotations":{"summary":"nginx.service failed","description":"nginx.service of web-1 has been failed for 2 minutes"},`+
			`"startsAt":"2026-03-01T11:59:00.123Z","endsAt":"0001-01-01T00:00:00Z",`+
			`"generatorURL":"http://prometheus.example:9090/graph?g0.expr=node_systemd_unit_state%%3D1\u0026g0.tab=1","fingerprint":"0123456789abcdef"}`, i)
	}
	return notification(all...)
}

// bare is the floor: a handler that only reads and decodes.
func bare(w http.ResponseWriter, r *http.Request) {
	var m amwebhook.Message
	if err := json.UnmarshalRead(r.Body, &m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func ours(b *testing.B) http.Handler {
	h, err := webhook.New(webhook.Options{
		Store: instant{}, Mine: mustScope(b).Mine, TokenFile: newSite(b).token, Now: time.Now,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = h.Close(context.Background()) })
	return h
}

func mustScope(b *testing.B) alerts.Scope {
	scope, err := alerts.ParseScope([]string{`host=~"us(:[0-9]+)?"`})
	if err != nil {
		b.Fatal(err)
	}
	return scope
}

// BenchmarkHandler is the work of one request without its network.
func BenchmarkHandler(b *testing.B) {
	eachHandler(b, func(b *testing.B, h http.Handler, body string) {
		for b.Loop() {
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, post(body)); w.Code != http.StatusOK {
				b.Fatal(w.Code, w.Body)
			}
		}
	})
}

// BenchmarkPosts is 64 senders over loopback, senders included.
func BenchmarkPosts(b *testing.B) {
	eachHandler(b, func(b *testing.B, h http.Handler, body string) {
		server := httptest.NewServer(h)
		defer server.Close()
		transport := &http.Transport{MaxIdleConnsPerHost: 64}
		defer transport.CloseIdleConnections()
		b.SetParallelism(32) // of two processors
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				r, _ := http.NewRequest(http.MethodPost, server.URL+webhook.Path, strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", "Bearer "+token)
				resp, err := transport.RoundTrip(r)
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Error(resp, err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	})
}

func eachHandler(b *testing.B, run func(*testing.B, http.Handler, string)) {
	for _, n := range []int{1, 64} {
		for name, h := range map[string]http.Handler{"bare": http.HandlerFunc(bare), "ours": ours(b)} {
			b.Run(fmt.Sprintf("alerts=%d/%s", n, name), func(b *testing.B) {
				b.ReportAllocs()
				run(b, h, real(n))
			})
		}
	}
}
