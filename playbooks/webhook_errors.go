package playbooks

import (
	"nightshift/alerts"
	"nightshift/remediate"
)

// WebhookErrors restarts a dispatcher that fails to process webhooks.
//
//   - Trigger: rave_webhook_errors, more than 10 errors in 5 minutes.
//   - Ladder: restart the dispatcher. Before that its log is kept, and what would make
//     a restart useless is looked at: whether the secret's file is there (never what
//     it holds), and whether a POST without the secret is refused as it should be.
//   - Verify: the unit itself, and the counter of errors over its window.
//   - Undo: none is needed; a restart leaves nothing behind.
//   - Metrics: nightshift_incidents_total{playbook="webhook-errors"},
//     nightshift_probe_healthy{probe="webhook-errors"}.
var WebhookErrors = remediate.Playbook{
	Name:   "webhook-errors",
	Match:  alerts.Matching(`alertname="rave_webhook_errors"`),
	Target: unit("webhook-dispatcher.service"),
	Look:   look(lastLines(50), properties, answerOf("webhook-secret"), answerOf("webhook-refuses")),
	Ladder: ladder(
		rung("restart the dispatcher", restart(theTarget)),
	),
	Verify: healthy(string(remediate.TheTarget), "webhook-errors"),
}
