package agent

import (
	"cmp"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"nightshift/alerts/alertmanager"
	"nightshift/remediate"
)

// The alerts that the agent posts. No playbook is ever for one.
const (
	escalationAlert = "NightshiftEscalation"
	actingAlert     = "NightshiftActing"
)

const (
	// firesFor is how long an escalation goes on if nothing more is heard of the
	// agent: an agent that is dead must not read as a problem that is over.
	firesFor = 24 * time.Hour
	// actsFor is the same for what the agent is at: one that is dead acts on nothing,
	// and must not keep others from being heard for long.
	actsFor = 5 * time.Minute
)

// posting is what the alerts of this host are made of, beside an incident.
type posting struct {
	host string
	// dashboard is the site's page about this host; empty for none.
	dashboard string
}

// escalations are the alerts by which people are called to an incident: one for each
// level that was reached, which all fire until it is over. A level that was told again,
// because nobody took it or who took it did not get on, has one more: with the labels
// of an alert that fires already no Alertmanager would tell it before its
// repeat_interval.
func (p posting) escalations(i *remediate.Incident, now time.Time) []alertmanager.Alert {
	if i.State != remediate.Escalated || i.Quiet || i.Page == nil {
		return nil
	}
	var called []alertmanager.Alert
	for level := range i.Page.Level + 1 {
		called = append(called, p.escalation(i, level, now))
	}
	if again := i.Page.Times - len(called); again > 0 && len(called) > 0 {
		repeat := p.escalation(i, i.Page.Level, now)
		repeat.Labels["again"] = strconv.Itoa(again)
		called = append(called, repeat)
	}
	return called
}

// escalation is the alert of one level.
func (p posting) escalation(i *remediate.Incident, level int, now time.Time) alertmanager.Alert {
	labels := p.labels(escalationAlert, i, i.Target)
	labels["severity"], labels["level"] = strconv.Itoa(int(i.Severity)), strconv.Itoa(level)
	annotations := map[string]string{
		"summary": p.summary(i),
		"command": "nightshift ack " + string(i.ID),
	}
	if p.dashboard != "" {
		annotations["dashboard"] = p.dashboard
	}
	begins := now // of one that has not begun, with which a silence is compared
	if i.Page != nil {
		begins = notAfter(i.Page.Since.Wall, now)
	}
	return alertmanager.Alert{Labels: labels, Annotations: annotations, StartsAt: begins, EndsAt: now.Add(firesFor)}
}

// summary says in a line what people are called for.
func (p posting) summary(i *remediate.Incident) string {
	about := i.Target.String()
	if about == "" {
		about = "something that the inventory does not name"
	}
	text := fmt.Sprintf("%s on %s needs a person (%s): %s", about, p.host, i.Reason, cmp.Or(i.Detail, "see nightshift show "+string(i.ID)))
	return strings.Join(strings.Fields(remediate.Brief(text)), " ")
}

// acting are the alerts of what the agent is at for an incident: one for each thing
// that it touches, and its target. They let an Alertmanager hold back what the act
// itself makes fire.
func (p posting) acting(i *remediate.Incident, now time.Time) []alertmanager.Alert {
	touching := i.Touching()
	if len(touching) == 0 {
		return nil
	}
	seen := map[remediate.Target]bool{}
	var at []alertmanager.Alert
	for _, on := range append([]remediate.Target{i.Target}, touching...) {
		if on.IsZero() || seen[on] {
			continue
		}
		seen[on] = true
		at = append(at, alertmanager.Alert{
			Labels:      p.labels(actingAlert, i, on),
			Annotations: map[string]string{"summary": fmt.Sprintf("nightshift on %s is at work on %s for incident %s", p.host, on, i.ID)},
			StartsAt:    notAfter(i.Tried[len(i.Tried)-1].Started.Wall, now), EndsAt: now.Add(actsFor),
		})
	}
	return at
}

func (p posting) labels(name string, i *remediate.Incident, on remediate.Target) map[string]string {
	labels := map[string]string{"alertname": name, "host": p.host, "playbook": i.Playbook.Name, "incident": string(i.ID)}
	if !on.IsZero() { // an Alertmanager knows no empty label
		labels["target"] = on.String()
	}
	return labels
}

// over is an alert as it is posted once it has ended.
func over(a alertmanager.Alert, at time.Time) alertmanager.Alert {
	a.Labels = maps.Clone(a.Labels)
	a.StartsAt, a.EndsAt = notAfter(a.StartsAt, at), at
	return a
}

// notAfter is a time, or the other one if that was before: a clock may have gone back,
// and an alert that ends before it begins is refused.
func notAfter(t, other time.Time) time.Time {
	if other.Before(t) {
		return other
	}
	return t
}
