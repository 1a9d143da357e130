package webhook_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"testing"

	amcommoncfg "github.com/prometheus/alertmanager/config/common"
	"github.com/prometheus/alertmanager/notify"
	amwebhook "github.com/prometheus/alertmanager/notify/webhook"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/types"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"nightshift/alerts/webhook"
)

// notifier is Alertmanager's own sender of webhooks. Importing it is for tests
// only: it weighs 9 MiB.
func notifier(t *testing.T, server *httptest.Server, tokenFile string) *amwebhook.Notifier {
	t.Helper()
	templates, err := template.FromGlobs(nil)
	if err != nil {
		t.Fatal(err)
	}
	templates.ExternalURL = &url.URL{Scheme: "http", Host: "alertmanager.example"}
	http := commoncfg.DefaultHTTPClientConfig
	http.Authorization = &commoncfg.Authorization{Type: "Bearer", CredentialsFile: tokenFile}
	http.TLSConfig.InsecureSkipVerify = server.TLS != nil
	n, err := amwebhook.New(&amwebhook.WebhookConfig{
		URL: amcommoncfg.SecretTemplateURL(server.URL + webhook.Path), HTTPConfig: &http, MaxAlerts: 2,
	}, templates, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// firing is an alert as Alertmanager holds it.
func firing(name, host string) *types.Alert {
	return &types.Alert{Alert: model.Alert{
		Labels:      model.LabelSet{"alertname": model.LabelValue(name), "host": model.LabelValue(host)},
		Annotations: model.LabelSet{"summary": "it is down"},
		StartsAt:    t0,
	}}
}

func TestAlertmanagersOwnNotifierIsUnderstood(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "over TLS and HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			conns := webhook.NewConns(10)
			server := httptest.NewUnstartedServer(nil)
			server.Listener = conns.Listener(server.Listener)
			server.Config = webhook.NewServer(s, conns, slog.New(slog.DiscardHandler))
			if secure {
				server.EnableHTTP2 = true
				server.TLS = &tls.Config{NextProtos: []string{"h2"}}
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()

			ctx := notify.WithGroupKey(context.Background(), `{}:{job="node"}`)
			ctx = notify.WithReceiverName(ctx, "nightshift")
			ctx = notify.WithGroupLabels(ctx, model.LabelSet{"job": "node"})
			n := notifier(t, server, s.token)

			if retry, err := n.Notify(ctx, firing("A", "us"), firing("B", "them"), firing("C", "us")); err != nil || retry {
				t.Fatalf("Notify() = %t, %v", retry, err)
			}
			got := s.store.batches[0][0]
			if got.Receiver != "nightshift" || got.Truncated != 1 || len(got.Alerts) != 1 {
				t.Fatalf("stored %+v, want one alert of ours, and one cut off", got)
			}
			want := firing("A", "us")
			if a := got.Alerts[0]; string(a.Fingerprint) != want.Fingerprint().String() || !a.Firing() || !a.StartsAt.Equal(t0) {
				t.Errorf("stored %+v, want the fingerprint %s", a, want.Fingerprint())
			}

			// It comes again after a 503, and gives up after a 401.
			s.store.gate = make(chan error, 1)
			s.store.gate <- webhook.ErrOverloaded
			if retry, err := n.Notify(ctx, firing("A", "us")); err == nil || !retry {
				t.Errorf("after a 503: Notify() = %t, %v, want that it tries again", retry, err)
			}
			write(t, s.token+".other", "wrong")
			if retry, err := notifier(t, server, s.token+".other").Notify(ctx, firing("A", "us")); err == nil || retry {
				t.Errorf("after a 401: Notify() = %t, %v, want that it gives up", retry, err)
			}
		})
	}
}
