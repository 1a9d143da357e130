package playbooks

import (
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
)

// MemoryExhaustion is for when memory has run out: the kernel kills, and services fail
// to start.
//
//   - Trigger: rave_memory_exhausted, the kernel killed a process for want of memory
//     within the last 5 minutes.
//   - Ladder: restart prometheus, then grafana, the dispatcher, nginx, the order of the
//     runbook's SAFE mode: what users miss least comes first. If all that did not help,
//     the limits of the profile safe, which fit best just after a restart.
//   - Verify: every unit of the site, the probe memory, and that nothing more was killed
//     (oom), after each rung, so that nothing is restarted that need not be.
//   - Undo: a restart leaves nothing behind; limits end by themselves, and
//     `nightshift playbook run safe-mode-off` ends them before.
//   - Metrics: nightshift_incidents_total{playbook="memory-exhaustion"},
//     nightshift_rung_duration_seconds, nightshift_probe_healthy{probe="oom"}.
var MemoryExhaustion = remediate.Playbook{
	Name:   "memory-exhaustion",
	Match:  alerts.Matching(`alertname="rave_memory_exhausted"`),
	Target: thisHost,
	Look:   look(oomKills, memory, topProcesses(20), unitStates),
	Ladder: ladder(
		rung("restart prometheus", restart(the("prometheus.service"))),
		rung("restart grafana", restart(the("grafana.service"))),
		rung("restart the dispatcher", restart(the("webhook-dispatcher.service"))),
		rung("restart nginx", restart(the("nginx.service"))),
		rung("limit what can be limited", limit(itsProfile, "safe")),
	),
	Verify: healthy(string(remediate.WholeSite), "memory", "oom"),
	// Five rungs of up to three windows each.
	Deadline: 45 * time.Minute,
}
