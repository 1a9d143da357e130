package stage

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"time"
)

// Alert is one label set, firing or not.
type Alert struct {
	// Name is the alertname, Case what tells it from others of that name.
	Name, Case string
	// Host is whose it is, the stage's if empty.
	Host     string
	Resolved bool
	// Labelled are labels beside the usual, or in their place.
	Labelled map[string]string
}

// The alerts that the coded playbooks are for.
const (
	WebhookErrorsAlert = "rave_webhook_errors"
	HighMemoryAlert    = "rave_high_memory_usage"
	SystemDownAlert    = "rave_system_down"
)

// Labels are the alert's.
func (a Alert) Labels() map[string]string {
	host := a.Host
	if host == "" {
		host = Host
	}
	labels := map[string]string{"alertname": a.Name, "host": host, "case": a.Case, "severity": "critical"}
	maps.Copy(labels, a.Labelled)
	return labels
}

// Gone is the same alert, resolved.
func (a Alert) Gone() Alert { a.Resolved = true; return a }

func (a Alert) status() string {
	if a.Resolved {
		return "resolved"
	}
	return "firing"
}

// wire is an alert as Alertmanager writes it into a notification.
type wire struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

// notification is the body of a webhook, version 4.
type notification struct {
	Version   string `json:"version"`
	Status    string `json:"status"`
	Truncated int    `json:"truncatedAlerts"`
	Alerts    []wire `json:"alerts"`
}

// Body is the notification that holds the alerts; truncated is how many more were
// cut off.
func Body(truncated int, alerts ...Alert) string {
	n := notification{Version: "4", Status: "firing", Truncated: truncated}
	for _, a := range alerts {
		w := wire{Status: a.status(), Labels: a.Labels(), Annotations: map[string]string{}, StartsAt: time.Now().UTC()}
		if a.Resolved {
			w.EndsAt = w.StartsAt
		}
		n.Alerts = append(n.Alerts, w)
	}
	text, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings and times: this can't happen
	}
	return string(text)
}

// Post posts a body as Alertmanager does, once.
func (a *Agent) Post(body string) (status int, answer string, err error) {
	return a.PostAs("Bearer "+a.Token(), body)
}

// PostAs posts with another Authorization, or with none if it is empty.
func (a *Agent) PostAs(authorization, body string) (status int, answer string, err error) {
	request, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost,
		"http://"+agentAddress+"/webhook/alertmanager", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	return a.ask(request)
}

// Send posts alerts and wants them accepted.
func (a *Agent) Send(alerts ...Alert) {
	a.t.Helper()
	if status, answer, err := a.Post(Body(0, alerts...)); err != nil || status != http.StatusOK {
		a.t.Fatalf("the webhook is answered %d %s (%v)", status, answer, err)
	}
}

// Deliver posts alerts until they are accepted, as Alertmanager does: an agent
// that is down is tried again.
func (a *Agent) Deliver(alerts ...Alert) {
	a.t.Helper()
	a.Await("the webhook to be accepted", func() bool {
		status, _, err := a.Post(Body(0, alerts...))
		return err == nil && status == http.StatusOK
	})
}
