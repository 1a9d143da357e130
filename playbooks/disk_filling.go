package playbooks

import (
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
)

// DiskFilling makes room on a disk that fills up, with what can be spared.
//
//   - Trigger: rave_disk_filling, less than a tenth of a file system has been free for
//     5 minutes.
//   - Ladder: what the journal wrote more than 7 days ago; temporary files by their
//     age; what nothing in the Nix store refers to, but never a generation that the
//     machine could boot. Each is a oneshot unit of root's that the agent only starts;
//     the last waits for a person, because it deletes what was built. Never `rm -rf /tmp/*`:
//     what programs have open, and the sockets they answer on, lie there too.
//   - Verify: the probe disk, after each rung.
//   - Undo: none; what is removed is old or can be made again. Each receipt says how
//     much was freed.
//   - Metrics: nightshift_incidents_total{playbook="disk-filling"},
//     nightshift_step_duration_seconds{action="oneshot"}, nightshift_probe_healthy{probe="disk"}.
var DiskFilling = remediate.Playbook{
	Name:   "disk-filling",
	Match:  alerts.Matching(`alertname="rave_disk_filling"`),
	Target: thisHost,
	Look:   look(disks, topProcesses(10)),
	Ladder: ladder(
		rung("vacuum the journal", oneshot(the("nightshift-vacuum.service"), 5*time.Minute)),
		rung("remove old temporary files", oneshot(the("nightshift-tmpclean.service"), 10*time.Minute)),
		rung("collect garbage in the Nix store", oneshot(the("nightshift-nix-gc.service"), time.Hour)),
	),
	// Free space does not flutter as a service does; one look later is enough.
	Verify: remediate.Verify{Healthy: []string{"disk"}, Settle: time.Second, Window: 15 * time.Second},
	// The store may take an hour, and wait for a person before.
	Deadline: 2 * time.Hour,
}
