package playbooks

import (
	"nightshift/alerts"
	"nightshift/remediate"
)

// HighCPU holds back the unit that uses most of the processors.
//
//   - Trigger: rave_high_cpu, more than 80 % of all processors has been in use for 5
//     minutes.
//   - Ladder: give the busiest unit less, by the profile calm; then restart it. Which it
//     is, its control group says when the plan is made. One that is not in the inventory
//     is left alone, and so is every other one then: people get it.
//   - Verify: the probe cpu, and every unit of the site: one that is held back too much
//     is no repair.
//   - Undo: the limit ends by itself; a restart leaves nothing behind.
//   - Metrics: nightshift_incidents_total{playbook="high-cpu"},
//     nightshift_probe_healthy{probe="cpu"}.
var HighCPU = remediate.Playbook{
	Name:   "high-cpu",
	Match:  alerts.Matching(`alertname="rave_high_cpu"`),
	Target: thisHost,
	Look:   look(cpuByUnit, topProcesses(20), unitStates),
	Ladder: ladder(
		rung("hold the busiest back", limit(theBusiest, "calm")),
		rung("restart the busiest", restart(theBusiest)),
	),
	Verify: healthy("cpu", string(remediate.WholeSite)),
}
