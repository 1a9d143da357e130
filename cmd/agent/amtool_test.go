package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"nightshift/alerts"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func TestWhatAmtoolListsIsExplainedAsAWebhook(t *testing.T) {
	text, err := os.ReadFile("testdata/amtool.json")
	if err != nil {
		t.Fatal(err)
	}
	body, muted, err := webhookBody(text, noon)
	if err != nil {
		t.Fatal(err)
	}
	if muted != 1 {
		t.Errorf("muted = %d, want 1", muted)
	}
	n, err := alerts.Decode(body, noon)
	if err != nil {
		t.Fatal(err)
	}
	if len(n.Alerts) != 3 {
		t.Fatalf("got %d alerts, want 3", len(n.Alerts))
	}
	first := n.Alerts[0]
	if first.Name() != "rave_service_down" || !first.Firing() || !first.EndsAt.IsZero() {
		t.Errorf("the first alert is %+v, want rave_service_down, firing without an end", first)
	}
	if n.Alerts[2].Firing() {
		t.Error("an alert whose end has passed fires")
	}
}

func TestAWebhookIsExplainedAsItIs(t *testing.T) {
	const body = `{"version":"4","alerts":[]}`
	got, muted, err := webhookBody([]byte(body), noon)
	if err != nil || muted != 0 || string(got) != body {
		t.Errorf("got %s, %d, %v", got, muted, err)
	}
}

func TestWhatIsNoListOfAlertsIsSaid(t *testing.T) {
	for _, text := range []string{"", " \n", "[1]", "[{"} {
		if _, _, err := webhookBody([]byte(text), noon); err == nil || !strings.Contains(err.Error(), "amtool alert -o json") {
			t.Errorf("%q: %v, want an error that names amtool", text, err)
		}
	}
}
