package playbooks

import "nightshift/remediate"

// SafeModeOff takes the limits of SAFE mode back.
//
//   - Trigger: a person (`nightshift playbook run safe-mode-off`).
//   - Ladder: each unit of the profile safe has again what it had before, without an
//     interruption. What somebody else has set since stays.
//   - Verify: the receipts alone, each with what the unit has again.
//   - Undo: `nightshift playbook run safe-mode`.
//   - Metrics: nightshift_incidents_total{playbook="safe-mode-off"},
//     nightshift_step_duration_seconds{action="unlimit"}.
var SafeModeOff = remediate.Playbook{
	Name:     "safe-mode-off",
	Target:   whatIsAsked,
	Ladder:   ladder(rung("take the limits back", unlimit(itsProfile, "safe"))),
	Attempts: asOften,
}
