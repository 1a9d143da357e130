package systemd

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	connected prometheus.Gauge
}

func newMetrics(registry prometheus.Registerer) metrics {
	m := metrics{prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "nightshift_systemd_connected",
		Help: "Whether systemd can be reached over D-Bus: 1, or 0 while units are neither watched nor repaired.",
	})}
	registry.MustRegister(m.connected)
	return m
}

func (m metrics) setConnected(yes bool) {
	m.connected.Set(0)
	if yes {
		m.connected.Set(1)
	}
}
