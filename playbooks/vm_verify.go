package playbooks

import (
	"time"

	"nightshift/remediate"
)

// VMVerify proves a checkpoint: it boots on a throw-away overlay without a network,
// beside the virtual machine, and has to become healthy there.
//
//   - Trigger: a person, or their timer (`nightshift vm verify --boot`), as the weekly
//     check of backups.
//   - Ladder: one rung, which nobody need approve: the virtual machine itself is not
//     touched.
//   - Verify: the receipt: healthy by the probes of the proof, or what they said.
//   - Undo: none is needed; the overlay is thrown away.
//   - Metrics: nightshift_incidents_total{playbook="vm-verify"},
//     nightshift_step_duration_seconds{action="prove"}.
var VMVerify = remediate.Playbook{
	Name:     "vm-verify",
	Target:   whatIsAsked,
	Ladder:   ladder(rung("boot it on a throw-away overlay", prove)),
	Attempts: asOften,
	Deadline: 2 * time.Hour,
}
