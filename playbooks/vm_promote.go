package playbooks

import (
	"time"

	"nightshift/remediate"
)

// VMPromote makes a checkpoint the last known good: what a rollback goes back to.
//
//   - Trigger: a person (`nightshift vm promote`).
//   - Ladder: one rung, which nobody need approve: a unit that root owns copies the
//     checkpoint to where the agent can't write, checks it, and names it the last known
//     good. The ones before stay.
//   - Verify: the receipt alone, with the digest of what was written.
//   - Undo: promote another one; none is removed.
//   - Metrics: nightshift_incidents_total{playbook="vm-promote"},
//     nightshift_step_duration_seconds{action="promote"}.
var VMPromote = remediate.Playbook{
	Name:     "vm-promote",
	Target:   whatIsAsked,
	Ladder:   ladder(rung("make it the last known good", promote)),
	Attempts: asOften,
	Deadline: 2 * time.Hour,
}
