package playbooks

import (
	"time"

	"nightshift/remediate"
)

// VMDeploy puts another image in the place of the disks that go back: an update.
//
//   - Trigger: a person (`nightshift vm deploy`), for minor and major updates.
//   - Ladder: power down, put the disks aside and the image in their place, boot; where
//     that does not become healthy, back to what ran before. A person approves each of
//     the two, the second when it is known that it is needed.
//   - Verify: its run state, and every probe by which the inventory calls it healthy.
//   - Undo: `nightshift vm rollback --undo`: what ran before was put aside and is kept.
//   - Metrics: nightshift_incidents_total{playbook="vm-deploy"},
//     nightshift_rung_duration_seconds, nightshift_step_duration_seconds{action="swap"}.
var VMDeploy = remediate.Playbook{
	Name:   "vm-deploy",
	Target: whatIsAsked,
	Look:   look(qmpStatus, blockGraph, console, lastAnswers),
	Ladder: ladder(
		rung("put the image in place", powerDown, swapTo(remediate.WasAsked), boot),
		approved(rung("go back to what ran before", powerDown, swapTo(remediate.BeforeSwap), boot)),
	),
	Verify:   healthy(string(remediate.TheTarget)),
	Attempts: asOften,
	Deadline: 90 * time.Minute,
}
