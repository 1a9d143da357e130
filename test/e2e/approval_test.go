package e2e

import (
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
	"nightshift/test/stage"
)

// digest is that of the rung which an incident holds for a person.
func digest(i remediate.Incident) string { return i.Plan.Rungs[i.Rung].Digest }

// asks is a site where each plan wants the yes of anna, who may give it, and of
// nobody else.
func asks(t *testing.T) (*stage.Agent, stage.Person) {
	t.Helper()
	anna := stage.NewPerson(t, "anna", "restart")
	a := on.Begin(t, stage.Option{Inventory: stage.Inventory{Autonomy: "approve", People: []stage.Person{anna}}})
	return a, anna
}

// TestWhatIsHeldAndWhatWasApprovedOutliveTheAgent kills it before a person has
// answered, right after, and during what was approved.
func TestWhatIsHeldAndWhatWasApprovedOutliveTheAgent(t *testing.T) {
	a, anna := asks(t)
	kill := func() {
		t.Helper()
		if err := a.KillAgent(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.AwaitReady()
	}
	a.Break(t, stage.WebhookErrors)
	a.Send(webhookErrors)
	held := a.AwaitIncident("webhook-errors", remediate.Held)
	kill()
	if now := a.AwaitIncident("webhook-errors", remediate.Held); digest(now.Incident) != digest(held.Incident) {
		t.Errorf("after the kill another plan is held: %s, want %s", digest(now.Incident), digest(held.Incident))
	}
	a.Slow(t, stage.Dispatcher)
	yes := oncall.Request{Incident: string(held.Incident.ID), Plan: digest(held.Incident), Comment: "go on"}
	if _, err := a.SayAs(anna, oncall.Approve, yes); err != nil {
		t.Fatal(err)
	}
	kill()
	a.Await("what was approved to be under way", func() bool { return len(a.Starts(t, stage.Dispatcher)) == 2 })
	kill()
	a.Quick(t, stage.Dispatcher)
	story := a.AwaitReason("webhook-errors", remediate.Resolved, remediate.ReasonFixed)
	a.WantStarts(stage.Dispatcher, 2)
	if n := stage.Count(story, remediate.IncidentAnswered); n != 1 {
		t.Errorf("people were heard %d times, want once", n)
	}

	// It was good for once.
	if _, err := a.SayAs(anna, oncall.Approve, yes); err == nil {
		t.Error("the same yes is taken for an incident that is over")
	}
	a.Break(t, stage.WebhookErrors)
	a.Send(stage.Alert{Name: stage.WebhookErrorsAlert, Case: "again"})
	a.AwaitIncident("webhook-errors", remediate.Held)
	a.WantStarts(stage.Dispatcher, 2)
}

func TestOnlyWhoMayApproveReleasesAnything(t *testing.T) {
	a, _ := asks(t)
	a.Break(t, stage.WebhookErrors)
	a.Send(webhookErrors)
	held := a.AwaitIncident("webhook-errors", remediate.Held)
	yes := oncall.Request{Incident: string(held.Incident.ID), Plan: digest(held.Incident)}
	for who, say := range map[string]func() error{
		"a stranger's key": func() error {
			_, err := a.SayAs(stage.NewPerson(t, "anna", "restart"), oncall.Approve, yes)
			return err
		},
		"the operator, now that there are people": func() error {
			operator, err := a.Person()
			if err != nil {
				t.Fatal(err)
			}
			defer operator.Close()
			_, err = operator.Do(t.Context(), oncall.Approve, yes)
			return err
		},
	} {
		if err := say(); err == nil {
			t.Errorf("%s approves", who)
		}
	}
	if i := a.Story(held.Incident.ID).Incident; i.State != remediate.Held {
		t.Errorf("the incident is %s, want it held", i.State)
	}
	a.WantStarts(stage.Dispatcher, 1)
}
