package alerts_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/notify/webhook"
	"github.com/prometheus/alertmanager/template"

	"nightshift/alerts"
)

// t0 is when everything in these tests happens.
var t0 = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// message is a notification of n firing alerts as Alertmanager's own types make
// it. Importing them is for tests only: they weigh 9 MiB.
func message(n int) *webhook.Message {
	data := &template.Data{
		Receiver:           "nightshift",
		Status:             "firing",
		NotificationReason: "new alerts",
		GroupLabels:        template.KV{"job": "node"},
		CommonLabels:       template.KV{"job": "node", "severity": "critical"},
		CommonAnnotations:  template.KV{"summary": "a service failed"},
		RouteLabels:        template.KV{},
		ExternalURL:        "http://alertmanager.example:9093",
	}
	for i := range n {
		data.Alerts = append(data.Alerts, template.Alert{
			Status: "firing",
			Labels: template.KV{
				"alertname": "UnitFailed", "instance": fmt.Sprintf("web-%d:9100", i), "job": "node",
				"name": "nginx.service", "severity": "critical", "state": "failed", "type": "simple",
			},
			Annotations: template.KV{
				"summary":     "nginx.service failed",
				"description": "The unit nginx.service of web-1 has been failed for 2 minutes: \"start-limit-hit\".",
			},
			StartsAt:     t0.Add(-time.Minute),
			GeneratorURL: "http://prometheus.example:9090/graph?g0.expr=node_systemd_unit_state%7Bstate%3D%22failed%22%7D+%3D%3D+1&g0.tab=1",
			Fingerprint:  "0123456789abcdef",
		})
	}
	return &webhook.Message{Data: data, Version: "4", GroupKey: `{}:{job="node"}`}
}

func body(t testing.TB, m *webhook.Message) []byte {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode(t testing.TB, body []byte) alerts.Notification {
	t.Helper()
	n, err := alerts.Decode(body, t0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 64} {
		in := body(b, message(n))
		b.Run(fmt.Sprintf("alerts=%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := alerts.Decode(in, t0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
