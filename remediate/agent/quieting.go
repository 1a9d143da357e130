package agent

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/alerts"
	"nightshift/alerts/alertmanager"
	"nightshift/remediate"
)

const (
	// muteLasts is how long a source alert is muted without word of the agent: one
	// that is dead mutes nothing for longer.
	muteLasts = 15 * time.Minute
	// endsDiffer is how far the end of a silence may be from what is wanted before it
	// is set anew, so that one is not renewed at every look.
	endsDiffer = 5 * time.Minute
	// endsSoon is when one is renewed for any difference.
	endsSoon = time.Minute
	// mostMuted bounds the silences of one incident: a person can look at no more.
	mostMuted = 50
)

// silencer is the author of our silences. Those of people never bear that name.
const silencer = "nightshift"

// quiet is a silence that is wanted.
type quiet struct {
	incident remediate.ID
	comment  string
	matchers []alertmanager.Matcher
	until    time.Time
	// source is whether it mutes alerts that are not ours, whose state is then read
	// from the Alertmanagers.
	source bool
}

// acknowledged is the acknowledgement that holds; nil if none does.
func acknowledged(i *remediate.Incident, now remediate.Instant) *remediate.Acknowledged {
	if !i.State.Live() || !i.Acknowledged.Holds(now) {
		return nil
	}
	return i.Acknowledged
}

// quieting are the silences that an acknowledgement asks for: of the incident's own
// escalation, and of its source alerts where the person wants that.
func (p posting) quieting(i *remediate.Incident, known []alerts.Alert, now remediate.Instant) []quiet {
	ack := acknowledged(i, now)
	if ack == nil {
		return nil
	}
	until := now.Wall.Add(ack.Until.Since(now))
	by := fmt.Sprintf("%s %s: acknowledged by %s", p.host, i.ID, ack.By)
	var wanted []quiet
	if i.State == remediate.Escalated {
		wanted = append(wanted, quiet{incident: i.ID, comment: by, until: until, matchers: alertmanager.Exactly(map[string]string{
			"alertname": escalationAlert, "host": p.host, "incident": string(i.ID),
		})})
	}
	if !ack.Mute {
		return wanted
	}
	if ends := now.Wall.Add(muteLasts); ends.Before(until) {
		until = ends
	}
	for _, a := range known[:min(len(known), mostMuted)] {
		if len(a.Labels) == 0 || a.Truncated { // what was cut off could be what tells it from others
			continue
		}
		wanted = append(wanted, quiet{
			incident: i.ID, until: until, matchers: alertmanager.Exactly(a.Labels), source: true,
			comment: by + ", who wants its alert muted; renewed while the incident lives",
		})
	}
	return wanted
}

// ours reports whether any agent made a silence.
func ours(s alertmanager.Silence) bool { return s.By == silencer }

// ownSilence reports whether this host's agent made it, and for which incident.
func (p posting) ownSilence(s alertmanager.Silence) bool {
	host, rest, _ := strings.Cut(s.Comment, " ")
	incident, _, named := strings.Cut(rest, ":")
	return ours(s) && named && host == p.host && len(incident) == remediate.IDLength
}

// arrange says what has to change in the silences of one Alertmanager: which are to
// be made or renewed, and which are over.
func (p posting) arrange(listed []alertmanager.Silence, wanted []quiet, now time.Time) (set, end []alertmanager.Silence) {
	listed = slices.SortedFunc(slices.Values(listed), func(a, b alertmanager.Silence) int { return cmp.Compare(a.ID, b.ID) })
	kept := map[string]bool{}
	for _, w := range wanted {
		n := slices.IndexFunc(listed, func(s alertmanager.Silence) bool {
			return p.ownSilence(s) && alertmanager.SameMatchers(s.Matchers, w.matchers)
		})
		switch {
		case n < 0:
			// It begins in the past, for a clock that is ahead must not delay it.
			set = append(set, w.silence(alertmanager.Silence{StartsAt: now.Add(-time.Hour)}))
			continue
		case stale(listed[n].EndsAt, w.until, now):
			set = append(set, w.silence(listed[n]))
		}
		kept[listed[n].ID] = true
	}
	for _, s := range listed {
		if p.ownSilence(s) && !kept[s.ID] {
			end = append(end, s)
		}
	}
	return set, end
}

// silence is that which is wanted, in the place of one that there is.
func (q quiet) silence(was alertmanager.Silence) alertmanager.Silence {
	return alertmanager.Silence{ID: was.ID, By: silencer, Comment: q.comment, Matchers: q.matchers, StartsAt: was.StartsAt, EndsAt: q.until}
}

// key tells what it mutes from what others do.
func key(s alertmanager.Silence) string { return fmt.Sprintf("%+v", s.Matchers) }

// stale reports whether a silence ends at another time than it should.
func stale(ends, until, now time.Time) bool {
	drift := until.Sub(ends)
	return drift.Abs() > endsDiffer || drift > 0 && ends.Sub(now) < endsSoon
}
