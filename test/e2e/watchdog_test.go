package e2e

import (
	"strings"
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/guard"
	"nightshift/test/stage"
	"nightshift/test/world"
)

// life is the alert by which a source says that it is there.
func life(source string) stage.Alert {
	return stage.Alert{Name: "Watchdog", Labelled: map[string]string{"source": source, "host": "elsewhere"}}
}

// silent is the metric of a source, 1 while nothing is heard of it.
func silent(a *stage.Agent, source string) float64 {
	return a.Metric("nightshift_source_silent", `source="`+source+`"`)
}

// TestNothingBeginsForASourceThatFellSilent, and no end of its alerts is believed,
// until it is heard again. Nothing of it is a virtual machine.
func TestNothingBeginsForASourceThatFellSilent(t *testing.T) {
	from := func(a stage.Alert) stage.Alert { a.Labelled = map[string]string{"source": "here"}; return a }
	a := on.Begin(t, stage.Option{Inventory: stage.Inventory{More: []string{
		`sources: {here: {match: ['alertname="Watchdog"', 'source="here"'], target: "unit:` + stage.Prometheus + `", within: 2s}}`,
	}}})
	am := startAlertmanager(t, a, releases[0], 9093)
	am.tell(life("here"))
	a.Await("the source to be heard", func() bool { return a.Said("source=here to=heard") })

	// What broke before is with people.
	a.Mends(t, stage.Dispatcher)
	a.Break(t, stage.WebhookErrors)
	known := from(webhookErrors)
	a.Send(known)
	before := a.AwaitIncident("webhook-errors", remediate.Escalated)
	am.tell(life("here").Gone())
	a.Await("the source to be silent", func() bool { return silent(a, "here") == 1 })

	a.Send(known.Gone())
	a.Break(t, stage.Memory)
	a.Send(from(stage.Alert{Name: stage.HighMemoryAlert}))
	a.AwaitReason("high-memory", remediate.Waiting, guard.ReasonSourceSilent)
	a.WantStarts(stage.Prometheus, 1)
	if !a.Story(before.Incident.ID).Incident.Firing {
		t.Error("what a silent source calls resolved is taken for that")
	}

	am.tell(life("here"))
	a.AwaitIncident("high-memory", remediate.Resolved)
	if silent(a, "here") != 0 {
		t.Error("the source counts as silent though it is heard")
	}
}

// TestASilentGuestIsLookedAtAndPutRight: the guest took its own Prometheus down with
// it, so that no other alert comes. The Prometheus outside is not there either.
func TestASilentGuestIsLookedAtAndPutRight(t *testing.T) {
	a := on.VMHost(t).Begin(t, stage.VMInventory{Auto: "reset", More: []string{
		`sources: {rave: {match: ['alertname="Watchdog"', 'source="rave"'], target: vm:rave, within: 8s}}`,
	}})
	am := &alertmanager{t: t, address: "127.0.0.1:9093", in: a.World}
	if _, err := a.World.Exec(t.Context(), "systemctl", "stop", "prometheus.service"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Start(t, "prometheus.service") })
	am.tell(life("rave"))
	a.Await("the guest's monitoring to be heard", func() bool { return a.Said("source=rave to=heard") })

	if err := a.VM.Break(t.Context(), "hang"); err != nil {
		t.Fatal(err)
	}
	am.tell(life("rave").Gone())
	id := a.AwaitOpened("vm-down")
	story := a.AwaitState(id, remediate.Resolved)
	// On a slow day the Prometheus outside told of the machine before it was stopped, and
	// the silence joins what that began.
	course := stage.Narrate(story)
	if i := story.Incident; i.State != remediate.Resolved || !strings.Contains(course, remediate.SourceSilentAlert) {
		t.Errorf("the incident of %s is %s, want that of the silent source resolved:\n%s", i.Alert.Name(), i.State, course)
	}
	a.AwaitServed(world.FirstImage.Name)
}
