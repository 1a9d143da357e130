package playbooks

import "nightshift/remediate"

// SafeMode gives the site's services less memory and processor time, so that the machine
// has some to spare.
//
//   - Trigger: a person (`nightshift playbook run safe-mode`).
//   - Ladder: give each unit of the profile safe its limits, in the profile's order and
//     without an interruption. Where one of them uses too much for that, restart them, one
//     after the other, and then give them the limits, which fit best just after a restart.
//   - Verify: every unit of the profile, and the probes by which one is called healthy; and
//     that each of them has its limits.
//   - Undo: `nightshift playbook run safe-mode-off`; after the profile's time (`for`) each
//     unit has by itself what it had before.
//   - Metrics: nightshift_incidents_total{playbook="safe-mode"},
//     nightshift_step_duration_seconds{action="limit"}.
var SafeMode = remediate.Playbook{
	Name:   "safe-mode",
	Target: whatIsAsked,
	Look:   look(memory, unitStates),
	Ladder: ladder(
		rung("limits of SAFE mode", limit(itsProfile, "safe")),
		rung("restart, then the limits", restartAll("safe"), limit(itsProfile, "safe")),
	),
	Verify:   healthy(string(remediate.ItsProfile)),
	Attempts: asOften,
}

// restartAll restarts every unit of a profile, in its order.
func restartAll(profile string) remediate.Move {
	return remediate.Move{Do: remediate.VerbRestart, On: itsProfile, Profile: profile}
}

// unlimit gives a selector's units back what they had before a profile's limits.
func unlimit(on remediate.Selector, profile string) remediate.Move {
	return remediate.Move{Do: remediate.VerbUnlimit, On: on, Profile: profile}
}
