package playbooks

import "nightshift/remediate"

// WebhookRotated restarts what read the webhook's secret or the site's certificate when
// it started, after either was rotated.
//
//   - Trigger: a person (`nightshift playbook run webhook-rotated`), once sops-nix has
//     delivered the new files. `--target unit:webhook-dispatcher.service` or
//     `--target unit:nginx.service` where only one of them reads what was rotated.
//   - Ladder: restart the unit that was named; where that does not do, or none was,
//     the dispatcher and then nginx.
//   - Verify: the front and the webhook answer, and a POST without the secret is refused.
//   - Undo: deliver the old files again and run it once more; a restart leaves nothing
//     behind.
//   - Metrics: nightshift_incidents_total{playbook="webhook-rotated"}.
var WebhookRotated = remediate.Playbook{
	Name:   "webhook-rotated",
	Target: whatIsAsked,
	Look:   look(answerOf("webhook-secret"), answerOf("webhook-refuses"), answerOf("front"), unitStates),
	Ladder: ladder(
		rung("restart what was named", restart(theTarget)),
		rung("restart the dispatcher and nginx", restart(the("webhook-dispatcher.service")), restart(the("nginx.service"))),
	),
	Verify: healthy(string(remediate.TheTarget), "front", "webhook", "webhook-refuses"),
}
