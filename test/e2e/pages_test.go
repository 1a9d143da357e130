package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
	"nightshift/test/stage"
)

// told is an alert that Alertmanager holds: what is read of
// https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
type told struct {
	Labels    map[string]string
	Receivers []struct{ Name string }
	Status    struct {
		State       string // active or suppressed
		SilencedBy  []string
		InhibitedBy []string
	}
}

func (t told) name() string { return t.Labels["alertname"] }

// goesTo reports whether the alert is of that receiver.
func (t told) goesTo(receiver string) bool {
	return slices.ContainsFunc(t.Receivers, func(r struct{ Name string }) bool { return r.Name == receiver })
}

// alerts are those that it holds.
func (am *alertmanager) alerts() []told {
	am.t.Helper()
	answer, err := am.in.HTTPClient().Get("http://" + am.address + "/api/v2/alerts")
	if err != nil {
		am.t.Fatal(err)
	}
	defer answer.Body.Close()
	var list []told
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil || answer.StatusCode != http.StatusOK {
		am.t.Fatalf("Alertmanager's alerts are answered %s: %v", answer.Status, err)
	}
	return list
}

// find is an alert of that name with those labels, name=value.
func (am *alertmanager) find(name string, labels ...string) (told, bool) {
	am.t.Helper()
	for _, alert := range am.alerts() {
		if alert.name() == name && !slices.ContainsFunc(labels, func(label string) bool {
			key, value, _ := strings.Cut(label, "=")
			return alert.Labels[key] != value
		}) {
			return alert, true
		}
	}
	return told{}, false
}

// await waits until an alert of that name is there in that state, and returns it.
func (am *alertmanager) await(a *stage.Agent, state, name string, labels ...string) (found told) {
	am.t.Helper()
	a.Await(name+strings.Join(labels, " ")+" to be "+state, func() bool {
		alert, ok := am.find(name, labels...)
		found = alert
		return ok && alert.Status.State == state
	})
	return found
}

// The alerts that the agent tells Alertmanager.
const (
	escalation = "NightshiftEscalation"
	acting     = "NightshiftActing"
)

// told by which address, of the Alertmanager that a test starts.
const paging = "NIGHTSHIFT_ALERTMANAGER_URL=http://127.0.0.1:9093"

// helpless is a site where the restart of the dispatcher is of no use, so that
// people get what is wrong with it.
func helpless(t *testing.T, o stage.Option) (*stage.Agent, *alertmanager, oncall.Story) {
	t.Helper()
	o.Env = append(o.Env, paging)
	a := on.Begin(t, o)
	am := startAlertmanager(t, a, releases[0], 9093)
	a.Mends(t, stage.Dispatcher)
	a.Break(t, stage.WebhookErrors)
	a.Send(webhookErrors)
	return a, am, a.AwaitReason("webhook-errors", remediate.Escalated, remediate.ReasonExhausted)
}

// of is the matcher of an incident's alerts.
func of(story oncall.Story) string { return "incident=" + string(story.Incident.ID) }

func TestAnIncidentThatNobodyTakesClimbsItsLevels(t *testing.T) {
	a, am, story := helpless(t, stage.Option{Inventory: stage.Inventory{More: []string{
		"severities: {critical: 1}",
		"escalation: {levels: [0s, 1500ms, 3s, 1h]}",
	}}})
	for level, receiver := range []string{"pager", "pager", "team-lead"} {
		alert := am.await(a, "active", escalation, of(story), "level="+string(rune('0'+level)))
		if !alert.goesTo(receiver) || alert.goesTo("nightshift") {
			t.Errorf("level %d goes to %v, want %s and not the agent", level, alert.Receivers, receiver)
		}
		if alert.Labels["severity"] != "1" {
			t.Errorf("level %d has severity %q, want 1", level, alert.Labels["severity"])
		}
	}
	for _, level := range []string{"level=0", "level=1"} {
		if _, ok := am.find(escalation, of(story), level); !ok {
			t.Errorf("%s does not fire any more, while nobody has acknowledged", level)
		}
	}
	if n := stage.Count(a.Story(story.Incident.ID), remediate.IncidentPaged); n != 3 {
		t.Errorf("people were paged %d times, want once for each level that was reached", n)
	}

	// What a person has repaired calls nobody any more.
	a.Write(t, stage.WebhookErrors+".ok", "ok\n")
	a.Nightshift("close", "--comment", "it was the database", string(story.Incident.ID))
	a.AwaitIncident("webhook-errors", remediate.Cleared)
	a.Await("Alertmanager to forget the escalation", func() bool { _, ok := am.find(escalation); return !ok })
}

func TestAnAcknowledgementByThePublicClientSilencesTheEscalation(t *testing.T) {
	anna := stage.NewPerson(t, "anna", "rollback")
	a, am, story := helpless(t, stage.Option{Inventory: stage.Inventory{
		People: []stage.Person{anna}, More: []string{"escalation: {levels: [0s, 2s]}"},
	}})
	am.await(a, "active", escalation, of(story))
	body := `{"incident":"` + string(story.Incident.ID) + `","comment":"on my way"}`
	if answer := request(t, anna, "ack", body); !strings.Contains(answer, `"done"`) {
		t.Fatalf("the public client is answered %s", answer)
	}
	silenced := am.await(a, "suppressed", escalation, of(story))
	if len(silenced.Status.SilencedBy) == 0 {
		t.Errorf("the escalation is muted by %+v, want a silence", silenced.Status)
	}
	now := a.Story(story.Incident.ID)
	if ack := now.Incident.Acknowledged; ack == nil || ack.By != "anna" || ack.Claimed {
		t.Errorf("the incident is acknowledged by %+v, want anna, known by her key", ack)
	}
	if alert, ok := am.find(stage.WebhookErrorsAlert); ok && alert.Status.State != "active" {
		t.Errorf("the source alert is %s, want it untouched: nobody asked to mute it", alert.Status.State)
	}
}

func TestASilenceByAmtoolIsAnAcknowledgementAndNoApproval(t *testing.T) {
	a, am, story := helpless(t, stage.Option{})
	am.await(a, "active", escalation, of(story))
	// Another waits for a person's yes.
	a.Configure(stage.Option{Inventory: stage.Inventory{Autonomy: "approve"}, Env: []string{paging}})
	a.StopAgent()
	a.StartAgent()
	a.Break(t, stage.Memory)
	a.Send(stage.Alert{Name: stage.HighMemoryAlert})
	held := a.AwaitIncident("high-memory", remediate.Held)

	for _, id := range []string{of(story), of(held)} {
		am.silence("anna", "looking at it from the train", id)
	}
	for _, id := range []remediate.ID{story.Incident.ID, held.Incident.ID} {
		a.Await("the agent to hear of the silence", func() bool { return a.Story(id).Incident.Acknowledged != nil })
		i := a.Story(id).Incident
		if ack := i.Acknowledged; ack.By != "anna" || !ack.Claimed || ack.Silence == "" {
			t.Errorf("the incident is acknowledged by %+v, want anna by her claim", ack)
		}
		if state := map[remediate.ID]remediate.State{story.Incident.ID: remediate.Escalated, held.Incident.ID: remediate.Held}[id]; i.State != state {
			t.Errorf("after a silence the incident is %s, want it %s: nobody has approved anything", i.State, state)
		}
	}
}

func TestWhileTheAgentActsOnlyWhatIsExpectedIsMuted(t *testing.T) {
	a := on.Begin(t, stage.Option{Env: []string{paging}})
	am := startAlertmanager(t, a, releases[0], 9093)
	a.Break(t, stage.WebhookErrors)
	a.Slow(t, stage.Dispatcher)
	am.tell(webhookErrors)
	now := am.await(a, "active", acting)
	if now.Labels["target"] != "unit:"+stage.Dispatcher {
		t.Errorf("the agent says that it acts on %q, want the dispatcher", now.Labels["target"])
	}
	symptom := stage.Alert{Name: "gitlab_cannot_deliver", Case: "symptom", Labelled: map[string]string{"during_repair": "expected"}}
	am.tell(symptom)
	if muted := am.await(a, "suppressed", symptom.Name); len(muted.Status.InhibitedBy) == 0 {
		t.Errorf("the symptom is muted by %+v, want the agent's acting", muted.Status)
	}
	if handled, ok := am.find(stage.WebhookErrorsAlert); !ok || handled.Status.State != "active" {
		t.Errorf("the alert that is being handled is %+v, want it active", handled.Status)
	}
	a.Quick(t, stage.Dispatcher)
	a.AwaitIncident("webhook-errors", remediate.Resolved)
	am.await(a, "active", symptom.Name)
}

func TestThatNobodyCanBePagedIsSaid(t *testing.T) {
	a := on.Begin(t, stage.Option{Env: []string{paging}})
	a.Mends(t, stage.Dispatcher)
	a.Break(t, stage.WebhookErrors)
	a.Send(webhookErrors)
	story := a.AwaitIncident("webhook-errors", remediate.Escalated)
	degraded := func() bool {
		_, body, err := a.Get(t.Context(), "/-/ready")
		return err == nil && strings.Contains(body, "nobody is called by Alertmanager")
	}
	a.Await("the agent to say that it can't call anybody", func() bool {
		return degraded() && a.Metric("nightshift_page_failures_total ") > 0 && a.Said(string(remediate.HostPageFailed))
	})
	// Once there is one again, it is told.
	am := startAlertmanager(t, a, releases[0], 9093)
	am.await(a, "active", escalation, of(story))
	a.Await("the agent to have nothing to complain about", func() bool { return !degraded() })
}

// silence has amtool make a silence, as a person does who has nothing else.
func (am *alertmanager) silence(author, comment string, matchers ...string) {
	am.t.Helper()
	argv := append([]string{
		"amtool", "silence", "add", "--alertmanager.url=http://" + am.address,
		"--author=" + author, "--comment=" + comment, "--duration=10m",
	}, matchers...)
	if out, err := am.in.Exec(am.t.Context(), argv...); err != nil {
		am.t.Fatalf("%v\n%s", err, out)
	}
}

// request says a verb by the public client, as a person with their own key.
func request(t *testing.T, p stage.Person, verb, body string) string {
	t.Helper()
	seed, err := os.ReadFile(p.Seed)
	if err != nil {
		t.Fatal(err)
	}
	inside := "/root/" + p.Name + ".nk"
	if err := on.World.WriteFile(inside, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := on.World.Exec(t.Context(), "/usr/local/bin/nats", "--server=nats://127.0.0.1:9798", "--nkey="+inside,
		"request", "--raw", "--timeout=10s", fmt.Sprintf("nightshift.do.%s.%s.%s", p.Name, stage.Host, verb), body)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}
