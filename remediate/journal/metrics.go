package journal

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the journal tells of itself.
type metrics struct {
	appends prometheus.Histogram
	events  prometheus.Counter

	registry prometheus.Registerer
	all      []prometheus.Collector
}

// newMetrics makes the metrics and registers them, if there is where.
func newMetrics(registry prometheus.Registerer, j *Journal) (*metrics, error) {
	m := &metrics{
		registry: registry,
		appends: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "nightshift_journal_append_seconds",
			Help:    "How long it took to make an event durable.",
			Buckets: []float64{.0001, .0002, .0003, .0005, .001, .002, .005, .01, .05, .1, .5, 1, 5},
		}),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "nightshift_journal_events_total",
			Help: "Events that were appended to the journal, snapshots among them.",
		}),
	}
	m.all = []prometheus.Collector{m.appends, m.events,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "nightshift_journal_damaged",
			Help: "1 while the journal has a damage that nobody accepted.",
		}, j.damagedGauge),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "nightshift_alerts_unread",
			Help: "Stored batches of alerts that were not read yet.",
		}, func() float64 { return float64(j.alerts.unread()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "nightshift_alerts_lost_total",
			Help: "Stored batches of alerts that were gone before they were read.",
		}, func() float64 { return float64(j.alerts.lost()) }),
	}
	return m, m.register()
}

func (m *metrics) register() error {
	if m.registry == nil {
		return nil
	}
	for _, collector := range m.all {
		if err := m.registry.Register(collector); err != nil {
			return fmt.Errorf("cannot register the journal's metrics: %w", err)
		}
	}
	return nil
}

func (m *metrics) unregister() {
	if m.registry == nil {
		return
	}
	for _, collector := range m.all {
		m.registry.Unregister(collector)
	}
}

func (j *Journal) damagedGauge() float64 {
	if j.Damage() != nil {
		return 1
	}
	return 0
}
