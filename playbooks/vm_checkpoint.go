package playbooks

import "nightshift/remediate"

// VMCheckpoint keeps the disks of a virtual machine as they are now, while it runs.
//
//   - Trigger: a person (`nightshift vm checkpoint create`), before an update for
//     example.
//   - Ladder: one rung, which nobody need approve: the guest notices nothing.
//   - Verify: the receipt alone: a checkpoint can't make the guest healthy or not.
//   - Undo: none is needed; a checkpoint that is not wanted is not promoted.
//   - Metrics: nightshift_incidents_total{playbook="vm-checkpoint"},
//     nightshift_step_duration_seconds{action="checkpoint"}.
var VMCheckpoint = remediate.Playbook{
	Name:     "vm-checkpoint",
	Target:   whatIsAsked,
	Ladder:   ladder(rung("keep the disks as they are", checkpoint)),
	Attempts: asOften,
}
