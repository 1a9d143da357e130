package playbooks

import (
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
)

// VMDown brings a virtual machine back that does not answer.
//
//   - Trigger: rave_vm_down, a port of the virtual machine has not answered for 2
//     minutes to a Prometheus outside of it, or SourceSilent{vm="rave"}, nothing is heard
//     of the Prometheus inside. The agent inside, if there is one, has its
//     turn first.
//   - Ladder: let a paused guest go on; else reset one that is stuck, panicked or shut
//     down while its QEMU runs; power down and boot; go back to the last known good. Of
//     the first two at most one is there: which, its run state says when the plan is
//     made. All but the first wait for a person, unless the inventory says `auto`.
//   - Verify: its run state, and every probe by which the inventory calls it healthy.
//     Until it may have booted, unhealthy says nothing.
//   - Undo: the disks that a rollback put aside are kept; `nightshift vm rollback
//     --undo` puts them back.
//   - Metrics: nightshift_incidents_total{playbook="vm-down"},
//     nightshift_time_to_fix_seconds, nightshift_probe_healthy{probe="vm:rave"}.
var VMDown = remediate.Playbook{
	Name:   "vm-down",
	Match:  alerts.Matching(`alertname=~"rave_vm_down|SourceSilent"`, `vm=~"(rave)?"`),
	Target: vm("rave"),
	Look:   look(screen, qmpStatus, blockGraph, console, lastAnswers),
	Ladder: ladder(
		rung("let the guest go on", cont(thePaused)),
		rung("reset the guest", reset(theStuck)),
		rung("power down and boot", powerDown, boot),
		rung("go back to the last known good", powerDown, swapTo(remediate.LastKnownGood), boot),
	),
	Verify: healthy(string(remediate.TheTarget)),
	// Its three rungs, and one that the hour before may have had.
	Attempts: remediate.Attempts{Max: 4},
	// Each of three rungs may wait for a person and boot.
	Deadline: 90 * time.Minute,
}
