package webhook

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// What becomes of the alerts of a notification that got a 200, as the label
// result of nightshift_alerts_total. What becomes of them later is counted in
// the same metric by who deals with them.
const (
	// Accepted alerts are stored.
	Accepted = "accepted"
	// NotMine are alerts about other hosts.
	NotMine = "not_mine"
	// Truncated are alerts that are missing, cut off by Alertmanager or by us.
	Truncated = "truncated"
)

// Metrics are nightshift_webhooks_total{code} and
// nightshift_alerts_total{result}.
type Metrics struct {
	webhooks map[int]prometheus.Counter
	alerts   map[string]prometheus.Counter
}

// NewMetrics registers the metrics with all their label values at 0; later are
// the results that others will count.
func NewMetrics(registerer prometheus.Registerer, later ...string) *Metrics {
	webhooks := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nightshift_webhooks_total",
		Help: "Requests to the webhook, by the code of the answer.",
	}, []string{"code"})
	alerts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nightshift_alerts_total",
		Help: "Alerts in the notifications received, by what became of them; one alert counts at each stage that it reaches.",
	}, []string{"result"})
	registerer.MustRegister(webhooks, alerts)

	m := &Metrics{webhooks: map[int]prometheus.Counter{}, alerts: map[string]prometheus.Counter{}}
	for _, a := range answers {
		m.webhooks[a.code] = webhooks.WithLabelValues(strconv.Itoa(a.code))
	}
	for _, result := range append([]string{Accepted, NotMine, Truncated}, later...) {
		m.alerts[result] = alerts.WithLabelValues(result)
	}
	return m
}

// Count adds n alerts to a result, which must be one of this package's or one
// that NewMetrics was told.
func (m *Metrics) Count(result string, n int) {
	m.alerts[result].Add(float64(n))
}

func (m *Metrics) answered(code int) { m.webhooks[code].Inc() }
