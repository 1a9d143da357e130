package runbook

import (
	"context"
	"testing"
	"time"
)

// deliver has the site's newest secrets served, whatever is there now.
func deliver(ctx context.Context) error {
	_, err := on.Exec(ctx, "systemctl", "restart", "sops-nix.service", "nginx.service")
	return err
}

func TestARenewedCertificateThatNobodyDeliveredIsServed(t *testing.T) {
	ends := time.Now().AddDate(0, 0, 3).Truncate(time.Second)
	var before map[string]string
	c := begin(t, func(ctx context.Context) (err error) {
		if err := on.AgeCertificate(ctx, ends); err != nil {
			return err
		}
		before, err = on.Invocations(ctx) // nginx was started with it
		return err
	}, deliver)
	c.before = before
	old, err := on.Served(t.Context())
	if err != nil || !old.Until.Equal(ends) {
		t.Fatalf("nginx serves a certificate until %s (%v), want %s", old.Until, err, ends)
	}
	story := c.fixed("certificate", "deliver the secrets, reload nginx")
	c.anew() // nobody's connection was cut
	if now, err := on.Served(t.Context()); err != nil || now.Serial.Cmp(old.Serial) == 0 || !now.Until.After(ends) {
		t.Errorf("nginx serves %v (%v), want a later one than %v", now, err, old)
	}
	for _, r := range receipts(story) {
		t.Logf("%s: %s %v", r.Result, r.Detail, r.Facts)
	}
}
