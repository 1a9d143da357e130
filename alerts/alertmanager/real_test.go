package alertmanager_test

import (
	"testing"
	"time"

	"nightshift/alerts"
	"nightshift/alerts/alertmanager"
	"nightshift/test/ring"
)

// labels of an alert whose values need quoting wherever they go.
func labels() map[string]string {
	return map[string]string{"alertname": "Odd", "host": "web-1", "detail": "a \"b\" \\ c\nd", "unicode": "Größe 日本"}
}

// own is an alert with them.
func own(now time.Time) alertmanager.Alert {
	return alertmanager.Alert{
		Labels: labels(), Annotations: map[string]string{"summary": "it is \"down\""}, StartsAt: now.Add(-time.Minute), EndsAt: now.Add(24 * time.Hour),
	}
}

func TestAnAlertFiresUntilItIsPostedAsOver(t *testing.T) {
	am := ring.Start(t)
	client := dial(t, am.URL)
	now := time.Now()
	if err := client.Post(t.Context(), []alertmanager.Alert{own(now)}); err != nil {
		t.Fatal(err)
	}
	selector, err := alertmanager.Selector(alertmanager.Exactly(labels()))
	if err != nil {
		t.Fatal(err)
	}
	known, err := client.Alerts(t.Context(), selector)
	if err != nil || len(known) != 1 {
		t.Fatalf("Alerts() = %v, %v, want the one that was posted", known, err)
	}
	got := known[0].Firing()
	if got.Fingerprint != alerts.FingerprintOf(labels()) || !got.Firing() || got.Annotations["summary"] != `it is "down"` {
		t.Errorf("it is read as %+v, want it as it was posted", got)
	}
	am.Await("the pager to be called", func() bool { return len(am.Calls("firing", labels())) > 0 })

	ended := own(now)
	ended.EndsAt = time.Now()
	if err := client.Post(t.Context(), []alertmanager.Alert{ended}); err != nil {
		t.Fatal(err)
	}
	if known, err := client.Alerts(t.Context(), selector); err != nil || len(known) != 0 {
		t.Errorf("Alerts() = %v, %v, want none any more", known, err)
	}
	am.Await("the pager to hear that it is over", func() bool { return len(am.Calls("resolved", labels())) > 0 })
}

func TestAnEndAheadOfItsClockDoesNotEndAnAlert(t *testing.T) {
	am := ring.Start(t)
	client := dial(t, am.URL)
	now := time.Now()
	ended := own(now)
	ended.EndsAt = now.Add(time.Hour)
	if err := client.Post(t.Context(), []alertmanager.Alert{own(now), ended}); err != nil {
		t.Fatal(err)
	}
	known, err := client.Alerts(t.Context(), alerts.Matching(`alertname="Odd"`))
	if err != nil || len(known) != 1 {
		t.Fatalf("Alerts() = %v, %v, want the one alert", known, err)
	}
	if ends := known[0].EndsAt; ends.Before(now.Add(23 * time.Hour)) {
		t.Errorf("it ends %s, want the later end to have won: else the pager need not ask for its clock", ends)
	}
	if since := time.Since(known[0].UpdatedAt).Abs(); since > time.Minute {
		t.Errorf("it was updated %s ago, want its clock now", since)
	}
}

func TestASilenceIsMadeRenewedAndEnded(t *testing.T) {
	am := ring.Start(t)
	client := dial(t, am.URL)
	now := time.Now()
	s := alertmanager.Silence{
		By: "nightshift", Comment: "web-1 ABCDEFGH: \"why\"", Matchers: append(alertmanager.Exactly(labels()),
			alertmanager.Matcher{Name: "level", Value: "1|2", Regex: true, Not: true}),
		StartsAt: now.Add(-time.Hour), EndsAt: now.Add(time.Minute),
	}
	id, err := client.Silence(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	listed, err := client.Silences(t.Context())
	if err != nil || len(listed) != 1 {
		t.Fatalf("Silences() = %v, %v, want the one", listed, err)
	}
	made := listed[0]
	if made.ID != id || made.By != s.By || made.Comment != s.Comment || !alertmanager.SameMatchers(made.Matchers, s.Matchers) {
		t.Errorf("it is read as %+v, want it as it was made: %+v", made, s)
	}

	made.EndsAt = now.Add(time.Hour)
	if renewed, err := client.Silence(t.Context(), made); err != nil || renewed != id {
		t.Errorf("renewed it is %s, %v, want the same one, %s", renewed, err, id)
	}
	if listed, err = client.Silences(t.Context()); err != nil || len(listed) != 1 || listed[0].EndsAt.Before(now.Add(59*time.Minute)) {
		t.Errorf("Silences() = %v, %v, want one that ends in an hour", listed, err)
	}
	if err := client.Expire(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if listed, err = client.Silences(t.Context()); err != nil || len(listed) != 0 {
		t.Errorf("Silences() = %v, %v, want none", listed, err)
	}
}

func TestASilenceIsNotTakenTwiceForTheSame(t *testing.T) {
	a := alertmanager.Exactly(map[string]string{"a": "1", "b": "2"})
	b := alertmanager.Exactly(map[string]string{"b": "2", "a": "1"})
	if !alertmanager.SameMatchers(a, b) {
		t.Error("the order of labels makes another silence")
	}
	if alertmanager.SameMatchers(a, a[:1]) || alertmanager.SameMatchers(a, alertmanager.Exactly(map[string]string{"a": "1", "b": "3"})) {
		t.Error("other labels make the same silence")
	}
}
