package playbooks

import (
	"nightshift/alerts"
	"nightshift/remediate"
)

// Network makes the network anew when nothing outside can be reached.
//
//   - Trigger: rave_network, none of the addresses that the site needs outside has
//     answered for 2 minutes.
//   - Ladder: restart systemd-networkd, which a person approves: it takes whoever works
//     on the machine from afar with it, and may not come back. Before that the
//     interfaces, routes, name servers and the firewall's counters are kept.
//   - Verify: the probes route and resolver: what this machine has to see to. Whether a
//     server far away answers (outside) is evidence: its trouble is not ours.
//   - Undo: none is needed; a restart brings back what is configured.
//   - Metrics: nightshift_incidents_total{playbook="network"},
//     nightshift_probe_healthy{probe="route"}.
var Network = remediate.Playbook{
	Name:   "network",
	Match:  alerts.Matching(`alertname="rave_network"`),
	Target: thisHost,
	Look:   look(network, firewall, answerOf("resolver"), answerOf("route"), answerOf("outside")),
	Ladder: ladder(
		approved(rung("restart the network", restart(the("systemd-networkd.service")))),
	),
	Verify: healthy("route", "resolver"),
}
