package runbook

import (
	"context"
	"testing"
)

func TestWhatWasRotatedIsTakenUpOnceAPersonSaysSo(t *testing.T) {
	var secret string
	c := begin(t, func(ctx context.Context) (err error) {
		if secret, err = on.RotateWebhookSecret(ctx); err != nil {
			return err
		}
		return on.RenewCertificate(ctx)
	}, nil)
	old, err := on.Served(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := webhook(t, secret); got != "401" {
		t.Fatalf("the new secret is answered %s before anybody took it up, want 401", got)
	}
	c.run("webhook-rotated", "--comment", "rotated, as every month")
	c.fixed("webhook-rotated", "restart the dispatcher and nginx")
	c.anew("nginx.service", "webhook-dispatcher.service")
	if got := webhook(t, secret); got != "200" {
		t.Errorf("the new secret is answered %s, want 200", got)
	}
	if now, err := on.Served(t.Context()); err != nil || now.Serial.Cmp(old.Serial) == 0 {
		t.Errorf("nginx serves %v (%v), want another certificate than %v", now, err, old)
	}
}

// webhook is the status by which a webhook with that secret is answered.
func webhook(t *testing.T, secret string) string {
	t.Helper()
	status, err := on.Exec(t.Context(), "curl", "--silent", "--show-error", "--cacert", "/etc/rave/ca.pem",
		"--output", "/dev/null", "--write-out", "%{http_code}", "--data", "{}",
		"--header", "X-Gitlab-Token: "+secret, "https://rave.local:3002/webhook")
	if err != nil {
		t.Fatal(err)
	}
	return status
}
