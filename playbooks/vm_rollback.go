package playbooks

import (
	"time"

	"nightshift/remediate"
)

// VMRollback goes back to a checkpoint, the last known good unless another is named.
// Disks that the inventory keeps stay as they are.
//
//   - Trigger: a person (`nightshift vm rollback`).
//   - Ladder: power down, put the disks aside and new ones on the checkpoint in their
//     place, boot. A person approves exactly this.
//   - Verify: its run state, and every probe by which the inventory calls it healthy.
//   - Undo: `nightshift vm rollback --undo`: what ran before was put aside and is kept.
//   - Metrics: nightshift_incidents_total{playbook="vm-rollback"},
//     nightshift_rung_duration_seconds, nightshift_step_duration_seconds{action="swap"}.
var VMRollback = remediate.Playbook{
	Name:   "vm-rollback",
	Target: whatIsAsked,
	Look:   look(screen, qmpStatus, blockGraph, console, lastAnswers),
	Ladder: ladder(
		rung("go back", powerDown, swapTo(remediate.WasAsked), boot),
	),
	Verify:   healthy(string(remediate.TheTarget)),
	Attempts: asOften,
	Deadline: 60 * time.Minute,
}
