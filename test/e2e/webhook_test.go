package e2e

import (
	"net/http"
	"testing"

	"nightshift/test/stage"
)

func TestAWebhookWithoutTheTokenIsRefused(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	a.Break(t, stage.WebhookErrors)
	for name, authorization := range map[string]string{
		"no token": "", "another token": "Bearer " + a.Token() + "x", "an empty one": "Bearer ", "basic authentication": "Basic " + a.Token(),
	} {
		status, answer, err := a.PostAs(authorization, stage.Body(0, webhookErrors))
		if status != http.StatusUnauthorized {
			t.Errorf("%s: answered %d %s (%v), want 401", name, status, answer, err)
		}
	}
	if n := a.Metric("nightshift_webhooks_total", `code="401"`); n != 4 {
		t.Errorf("%v refusals are counted, want 4", n)
	}
	if n := a.Metric("nightshift_alerts_total"); n != 0 {
		t.Errorf("%v alerts are counted, want none", n)
	}
	a.WantStarts(stage.Dispatcher, 1)
}

func TestAlertsOfOtherHostsAreTakenAndLeftAlone(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	a.Break(t, stage.WebhookErrors)
	status, answer, err := a.Post(stage.Body(0, stage.Alert{Name: stage.WebhookErrorsAlert, Host: "elsewhere"}))
	if status != http.StatusOK || answer != "nothing for this host\n" {
		t.Errorf("answered %d %q (%v), want 200", status, answer, err)
	}
	if n := a.Metric("nightshift_alerts_total", `result="not_mine"`); n != 1 {
		t.Errorf("%v alerts are counted as not_mine, want 1", n)
	}
	if n := len(a.Incidents()); n != 0 {
		t.Errorf("there are %d incidents, want none", n)
	}
}
