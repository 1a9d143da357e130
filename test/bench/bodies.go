package main

import (
	"fmt"
	"strings"
)

// firing is an alert of this world's host as long as they are in life, 600 bytes.
// Run makes it another alert than those with another run.
func firing(name, unit string, run int) string {
	return fmt.Sprintf(`{"status":"firing","labels":{"alertname":%q,"instance":"rave-1:9100","job":"node",`+
		`"name":%q,"run":"%d","severity":"critical","state":"failed","type":"simple"},`+
		`"annotations":{"summary":"%s failed","description":"%s of rave-1 has been failed for 2 minutes"},`+
		`"startsAt":"2026-03-01T11:59:00.123Z","endsAt":"0001-01-01T00:00:00Z",`+
		`"generatorURL":"http://prometheus.example:9090/graph?g0.expr=node_systemd_unit_state%%7Bstate%%3D%%22failed%%22%%7D+%%3D%%3D+1&g0.tab=1",`+
		`"fingerprint":"0123456789abcdef"}`, name, unit, run, unit, unit)
}

// notification is the body of a webhook.
func notification(alerts ...string) string {
	return `{"version":"4","receiver":"nightshift","status":"firing","groupKey":"{}:{job=\"node\"}","truncatedAlerts":0,` +
		`"groupLabels":{"job":"node"},"commonLabels":{"job":"node","severity":"critical"},` +
		`"commonAnnotations":{"summary":"a service failed"},"externalURL":"http://alertmanager.example:9093",` +
		`"alerts":[` + strings.Join(alerts, ",") + `]}`
}

// unmatched is a webhook with alerts that no playbook is for, from run on.
func unmatched(alerts, run int) string {
	all := make([]string, alerts)
	for n := range all {
		all[n] = firing("NobodysBusiness", "nginx.service", run+n)
	}
	return notification(all...)
}

// request is a POST that is ready to be written.
func request(path, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: bench\r\nUser-Agent: Alertmanager/0.31.1\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}
