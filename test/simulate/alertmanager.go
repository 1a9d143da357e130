package simulate

import (
	"slices"
	"time"

	"nightshift/alerts"
)

// alertmanager says what is wrong with the host, as well as it can.
type alertmanager struct {
	w *world
	// since is how long each condition has held, sent when it was last spoken of.
	since, sent map[string]time.Time
}

// condition is one thing that there is an alert about.
type condition struct {
	labels map[string]string
	holds  bool
}

// looks is how often conditions are evaluated.
const looks = 15 * time.Second

// watches goes on until the world ends.
func (a *alertmanager) watches() {
	n := 0
	watchdog := about(alerts.Firing, map[string]string{"alertname": "Watchdog", "source": "prom"})
	for !a.w.over() {
		time.Sleep(looks + a.w.dice.between("looks", 0, time.Second))
		if n++; n%4 == 0 && !a.w.silent() {
			a.w.mailbox.receives(false, watchdog)
		}
		a.w.host.change(func() { a.w.host.heals(time.Now()) })
		for _, c := range a.conditions() {
			a.evaluates(c)
		}
	}
}

// conditions are all there are, in a constant order.
func (a *alertmanager) conditions() (all []condition) {
	h := a.w.host
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range h.names() {
		u := h.units[name]
		all = append(all, condition{map[string]string{"alertname": "UnitCrashed", "name": name}, u.broken || u.stopped})
		if slices.Contains([]string{"app.service", "web.service", "cache.service"}, name) {
			all = append(all, condition{map[string]string{"alertname": "UnitSlow", "name": name}, h.unitUnhealthy(name)})
		}
	}
	all = append(all,
		condition{map[string]string{"alertname": "SiteDown"}, h.unitUnhealthy("web.service")},
		condition{map[string]string{"alertname": "HighMemory"}, h.hog != ""})
	for _, name := range []string{"rave", "spare"} {
		all = append(all, condition{map[string]string{"alertname": "VMDown", "vm": name}, h.vms[name].unhealthy()})
	}
	return all
}

// evaluates fires after half a minute, tells again every five, and says when it is
// over. Now and then it is wrong.
func (a *alertmanager) evaluates(c condition) {
	d, now, key := a.w.dice, time.Now(), string(alerts.FingerprintOf(c.labels))
	_, firing := a.sent[key]
	switch {
	case c.holds && a.since[key].IsZero():
		a.since[key] = now
	case !c.holds:
		delete(a.since, key)
	}
	switch {
	case c.holds && firing && d.chance("false resolve", 0.004), !c.holds && firing:
		delete(a.sent, key)
		a.sends(about(alerts.Resolved, c.labels))
	case c.holds && now.Sub(a.since[key]) < 30*time.Second:
	case c.holds && now.Sub(a.sent[key]) >= 5*time.Minute, !c.holds && d.chance("false alert", 0.0001):
		a.sent[key] = now
		a.sends(about(alerts.Firing, c.labels))
	}
}

// sends is the way of a notification: it may be lost, come twice, or come late and
// thereby after others.
func (a *alertmanager) sends(said alerts.Alert) {
	d := a.w.dice
	truncated := d.chance("truncated", 0.02)
	arrives := func() { a.w.mailbox.receives(truncated, said) }
	switch n := d.number("way", 100); {
	case n < 4:
	case n < 10:
		a.w.later(d.between("way", 0, 2*time.Minute), arrives)
		a.w.later(d.between("way", 0, 2*time.Minute), arrives)
	case n < 16:
		a.w.later(d.between("way", time.Second, 12*time.Minute), arrives)
	default:
		a.w.later(d.between("way", time.Millisecond, 3*time.Second), arrives)
	}
}
