package remediate

import (
	"slices"
	"time"
)

// Boot is a boot of the host as far as the log has seen it.
type Boot struct {
	ID string `json:"id"`
	// Up is the longest uptime of it that the log knows.
	Up time.Duration `json:"up"`
}

// bootsKept bounds the boots that are remembered: a host that boots more often in 30
// days is in more trouble than a window can tell.
const bootsKept = 1000

// clock notes how long the host has been up.
func (l *Ledger) clock(at Instant) {
	last := len(l.Boots) - 1
	switch {
	case at.Boot == "":
	case last >= 0 && l.Boots[last].ID == at.Boot:
		l.Boots[last].Up = max(l.Boots[last].Up, at.Up)
	default:
		l.Boots = append(l.Boots, Boot{at.Boot, at.Up})
		l.Boots = slices.Delete(l.Boots, 0, max(0, len(l.Boots)-bootsKept))
	}
}

// Elapsed is how much time has passed at least between an event of the log and now,
// whatever was done to the wall clock: what the host was up for. While it was off no
// clock can be trusted, so that time counts for nothing: a limit never ends too early.
// Between boots that the log does not know there is the wall clock alone.
func (l *Ledger) Elapsed(from, now Instant) time.Duration {
	if from.Boot == "" || from.Boot == now.Boot {
		return now.Since(from)
	}
	n := slices.IndexFunc(l.Boots, func(b Boot) bool { return b.ID == from.Boot })
	if n < 0 || now.Boot == "" {
		return now.Since(from)
	}
	elapsed := max(l.Boots[n].Up-from.Up, 0) + now.Up
	for _, between := range l.Boots[n+1:] {
		if between.ID != now.Boot {
			elapsed += between.Up
		}
	}
	return elapsed
}

// earlier reports whether one event of the log came before another, whatever was done
// to the wall clock between them. Of boots that the log does not know it says no.
func (l *Ledger) earlier(one, other Instant) bool {
	if one.Boot == other.Boot {
		return one.Up < other.Up
	}
	boot := func(at Instant) int { return slices.IndexFunc(l.Boots, func(b Boot) bool { return b.ID == at.Boot }) }
	first, second := boot(one), boot(other)
	return first >= 0 && first < second
}

// Made counts the attempts of a time that fit.
func (l *Ledger) Made(per time.Duration, now Instant, fits func(Attempt) bool) (n int) {
	for _, a := range slices.Backward(l.Attempts) {
		if l.Elapsed(a.At, now) >= per {
			break // they stand in the order in which they were made
		}
		if fits(a) {
			n++
		}
	}
	return n
}

// Beginning is a moment at which an alert of a playbook began to fire about a target.
type Beginning struct {
	Playbook string `json:"playbook"`
	Target   Target `json:"target"`
	Incident ID     `json:"incident"`
	// Own is whether it opened an incident, which it did not when it came back within
	// an episode.
	Own bool    `json:"own,omitzero"`
	At  Instant `json:"at"`
}

const (
	// beganKept is the longest window in which beginnings are counted: no flapping
	// and no storm of an inventory is longer.
	beganKept = 24 * time.Hour
	// beganMost bounds how many are remembered. No inventory counts to more.
	beganMost = 1000
)

// began notes that trouble began. What a person asked for is none, nor an alert that
// fires still when its incident is over, nor one that an act of ours made forget.
func (l *Ledger) began(i *Incident, e Event) {
	if i.Asked != nil || e.Opened == nil && e.Joined == nil || l.continues(e) {
		return
	}
	l.Began = append(l.Began, Beginning{Playbook: i.Playbook.Name, Target: i.Target, Incident: i.ID, Own: e.Opened != nil, At: e.At})
	old := max(0, len(l.Began)-beganMost)
	for old < len(l.Began) && l.Elapsed(l.Began[old].At, e.At) >= beganKept {
		old++
	}
	l.Began = slices.Delete(l.Began, 0, old)
}

// continues reports whether an incident takes up what one of the same playbook and
// target left.
func (l *Ledger) continues(e Event) bool {
	if e.Opened == nil || e.Opened.Follows == "" {
		return false
	}
	before := l.Incidents[e.Opened.Follows]
	return before != nil && before.Playbook.Name == e.Opened.Playbook.Name && before.Target == e.Opened.Target
}

// Flaps counts how often alerts of a playbook began to fire about a target within
// that time.
func (l *Ledger) Flaps(playbook string, target Target, per time.Duration, now Instant) (n int) {
	for _, b := range slices.Backward(l.Began) {
		if b.Playbook == playbook && b.Target == target && l.Elapsed(b.At, now) < per {
			n++
		}
	}
	return n
}

// Broke are the targets about which incidents of their own were opened within that
// time, each once.
func (l *Ledger) Broke(per time.Duration, now Instant) []Target {
	var broke []Target
	for _, b := range l.Began {
		if b.Own && !b.Target.IsZero() && l.Elapsed(b.At, now) < per && !slices.Contains(broke, b.Target) {
			broke = append(broke, b.Target)
		}
	}
	return broke
}
