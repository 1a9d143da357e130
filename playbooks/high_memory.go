package playbooks

import (
	"nightshift/alerts"
	"nightshift/remediate"
)

// HighMemory frees memory by restarting what can be spared, one thing at a time.
//
//   - Trigger: rave_high_memory_usage, more than 85 % of what the site was given is
//     in use for 5 minutes.
//   - Ladder: restart prometheus, then grafana, then nginx, the order of the runbook:
//     what users miss least comes first. Then the limits of SAFE mode, the inventory's
//     profile safe, which fit best just after a restart.
//   - Verify: the memory probe, after each rung, so that nothing is restarted that
//     need not be.
//   - Undo: a restart leaves nothing behind; the limits end by themselves after the
//     profile's time, or by `nightshift playbook run safe-mode-off`.
//   - Metrics: nightshift_incidents_total{playbook="high-memory"},
//     nightshift_rung_duration_seconds, nightshift_probe_healthy{probe="memory"}.
var HighMemory = remediate.Playbook{
	Name:   "high-memory",
	Match:  alerts.Matching(`alertname="rave_high_memory_usage"`),
	Target: thisHost,
	Look:   look(memory, topProcesses(20), unitStates),
	Ladder: ladder(
		rung("restart prometheus", restart(the("prometheus.service"))),
		rung("restart grafana", restart(the("grafana.service"))),
		rung("restart nginx", restart(the("nginx.service"))),
		rung("limits of SAFE mode", limit(itsProfile, "safe")),
	),
	Verify: healthy("memory"),
}
