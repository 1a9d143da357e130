package playbooks

import (
	"nightshift/alerts"
	"nightshift/remediate"
)

// SystemDown restores a site that does not answer.
//
//   - Trigger: rave_system_down, an endpoint of the health check is unavailable for
//     more than 2 minutes.
//   - Ladder: restart what the health check finds failed, in the order of needs and
//     with the gates before each step; then every unit of the site, in that order.
//   - Verify: every unit of the site and every probe by which one is called healthy.
//   - Undo: none is needed; a restart leaves nothing behind.
//   - Metrics: nightshift_incidents_total{playbook="system-down"},
//     nightshift_time_to_fix_seconds, nightshift_probe_healthy.
var SystemDown = remediate.Playbook{
	Name:   "system-down",
	Match:  alerts.Matching(`alertname="rave_system_down"`),
	Target: thisHost,
	Look:   look(unitStates, memory, topProcesses(10)),
	Ladder: ladder(
		rung("restart what failed", restart(whatFailed)),
		rung("restart the whole site", restart(wholeSite)),
	),
	Verify: healthy(string(remediate.WholeSite)),
}
