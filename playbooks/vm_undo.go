package playbooks

import (
	"time"

	"nightshift/remediate"
)

// VMUndo takes back the last exchange of disks: what it put aside runs again.
//
//   - Trigger: a person (`nightshift vm rollback --undo`).
//   - Ladder: power down, put the disks aside and those that were put aside last in
//     their place, boot. A person approves exactly this.
//   - Verify: its run state, and every probe by which the inventory calls it healthy.
//   - Undo: the same once more: it exchanges the two.
//   - Metrics: nightshift_incidents_total{playbook="vm-undo"},
//     nightshift_rung_duration_seconds, nightshift_step_duration_seconds{action="swap"}.
var VMUndo = remediate.Playbook{
	Name:   "vm-undo",
	Target: whatIsAsked,
	Look:   look(screen, qmpStatus, blockGraph, console, lastAnswers),
	Ladder: ladder(
		rung("put back what was put aside", powerDown, swapTo(remediate.SetAside), boot),
	),
	Verify:   healthy(string(remediate.TheTarget)),
	Attempts: asOften,
	Deadline: 60 * time.Minute,
}
