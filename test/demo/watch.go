package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"nightshift/remediate"
	"nightshift/test/site"
)

// lookEvery is how often Prometheus and Alertmanager are looked at.
const lookEvery = 200 * time.Millisecond

// watch follows one act: what Prometheus and Alertmanager say, and what the agent
// does.
type watch struct {
	*demo
	*result
	at    *site.Site        // where it plays
	held  map[string]string // what Prometheus holds: alert to state
	told  []string          // what Alertmanager holds
	deaf  bool              // whether Prometheus did not answer last
	known bool              // whether an incident of the act was opened
	fired time.Time         // when Prometheus found that its alert fires
	yes   time.Time         // when a person said yes, until it was healthy after that
}

// watch begins an act: now is its second 0.
func (d *demo) watch(a act) *watch {
	d.show.zero = time.Now()
	return &watch{demo: d, result: &result{act: a}, at: d.on(a.stage), held: map[string]string{}}
}

// over is when nothing more is to come of the act.
func (w *watch) over() bool {
	if !w.known || w.incident.State.Live() {
		return w.incident.State == remediate.Escalated
	}
	return len(w.held) == 0 && len(w.told) == 0 && !w.deaf
}

func (w *watch) say(at time.Time, who string, tone style, text string, more ...string) {
	w.show.line(at, who, tone, text, more...)
}

// look tells what has changed at Prometheus and at Alertmanager.
func (w *watch) look(ctx context.Context) {
	alerts, err := w.at.Alerts(ctx)
	if err != nil {
		if !w.deaf {
			w.say(time.Now(), "prometheus", faint, "does not answer")
		}
		w.deaf = true
		return
	}
	w.deaf = false
	w.compare(alerts)
	w.lookAtAlertmanager(ctx)
}

// compare tells the alerts that are new, in another state, or gone.
func (w *watch) compare(alerts []site.Alert) {
	now := map[string]string{}
	for _, a := range alerts {
		now[a.Name] = a.State
		if w.held[a.Name] != a.State {
			w.sayAlert(a)
		}
	}
	for name := range w.held {
		if now[name] == "" {
			w.say(time.Now(), "prometheus", green, name+" is gone")
		}
	}
	w.held = now
}

func (w *watch) sayAlert(a site.Alert) {
	switch {
	case a.State == "pending" && a.Name == w.act.alert && w.alerted > 0:
		w.say(a.Active, "prometheus", yellow, a.Name+" is pending again"+w.act.again)
	case a.State == "pending":
		w.say(a.Active, "prometheus", yellow, a.Name+" is pending: "+a.Summary)
	default:
		w.say(a.Evaluated, "prometheus", red, a.Name+" fires: "+a.Summary)
	}
	if a.State == "firing" && a.Name == w.act.alert && w.alerted == 0 {
		w.fired, w.alerted = a.Evaluated, a.Evaluated.Sub(w.show.zero)
	}
}

// lookAtAlertmanager tells only what it drops: what it is told, the agent hears.
func (w *watch) lookAtAlertmanager(ctx context.Context) {
	told, err := w.at.Told(ctx)
	if err != nil {
		return // it is looked at again soon
	}
	for _, name := range w.told {
		if !slices.Contains(told, name) {
			w.say(time.Now(), "alertmanager", green, name+" is resolved")
		}
	}
	w.told = told
}

// heard tells an event of the agent and takes it into account.
func (w *watch) heard(ctx context.Context, e remediate.Event) {
	if e.Incident == "" {
		return // the host's own: how far the alerts were read
	}
	if e.Opened != nil {
		w.look(ctx) // what the alert says comes before what is done about it
		w.opened(e)
	}
	if e.Incident != w.incident.ID {
		w.sayEvent(e, "incident "+string(e.Incident)+": ")
		return
	}
	if err := w.incident.Apply(e); err != nil {
		w.problems = append(w.problems, err.Error())
	}
	w.sayEvent(e, "")
	w.answered(e)
	switch since := e.At.Wall.Sub(w.show.zero); {
	case e.Judged != nil && e.Judged.Verdict.Decision == remediate.Hold:
		w.approve(ctx)
	case e.Started != nil && w.acted == 0:
		w.acted = since
	case e.Ended != nil && e.Ended.State == remediate.Resolved:
		w.fixed = since
	}
}

// opened takes the first incident of the act's alert for the act's own. Any other
// is one too many.
func (w *watch) opened(e remediate.Event) {
	if alert := e.Opened.Alert.Name(); w.known || alert != w.act.alert {
		w.problems = append(w.problems, "incident "+string(e.Incident)+" of "+alert+" was opened as well")
		return
	}
	w.known = true
	w.incident.ID = e.Incident
	received := e.Opened.Received.Wall
	if w.alerted == 0 { // the agent restarted Prometheus before it could be asked
		w.alerted = received.Sub(w.show.zero)
	}
	text := "Alertmanager's POST reaches the agent"
	if !w.fired.IsZero() {
		text += fmt.Sprintf(", %d ms after Prometheus began to evaluate the rule", received.Sub(w.fired).Milliseconds())
	}
	w.say(received, "webhook", plain, text)
}
