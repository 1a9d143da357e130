package playbooks

import (
	"nightshift/alerts"
	"nightshift/remediate"
)

// Certificate has a renewed certificate delivered and served.
//
//   - Trigger: rave_certificate_expiring, the certificate that is served is valid for
//     less than 14 days, or rave_certificate_expired.
//   - Ladder: deliver the secrets anew and have nginx read them, which interrupts
//     nobody; then restart nginx. Neither makes a certificate: where none was renewed
//     the ladder ends, and people hear of it with the evidence.
//   - Verify: nginx itself, and the probe certificate: a handshake, as users make it,
//     with a certificate that is trusted and lasts. The evidence before and the answer
//     after name its serial.
//   - Undo: none is needed; what was delivered is what the site's secrets hold.
//   - Metrics: nightshift_incidents_total{playbook="certificate"},
//     nightshift_probe_healthy{probe="certificate"}.
var Certificate = remediate.Playbook{
	Name:   "certificate",
	Match:  alerts.Matching(`alertname=~"rave_certificate_expiring|rave_certificate_expired"`),
	Target: unit("nginx.service"),
	Look:   look(certificateOf("certificate"), lastLines(20)),
	Ladder: ladder(
		rung("deliver the secrets, reload nginx", restart(the("sops-nix.service")), reload(theTarget)),
		rung("restart nginx", restart(theTarget)),
	),
	Verify: healthy(string(remediate.TheTarget), "certificate"),
}
