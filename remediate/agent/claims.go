package agent

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/alerts"
	"nightshift/alerts/alertmanager"
	"nightshift/remediate"
)

// silencesLast is how long the silences of an Alertmanager count that can't be asked
// any more.
const silencesLast = time.Minute

// heardSilence is a silence with what it mutes.
type heardSilence struct {
	alertmanager.Silence
	selects alerts.Matchers
}

// listen puts the silences of all Alertmanagers together. Peers have the same ones.
func (p *pager) listen(now time.Time) {
	before := map[string]heardSilence{}
	for _, s := range p.heardSilences() {
		before[s.ID] = s
	}
	heard := map[string]heardSilence{}
	for _, station := range p.stations {
		if now.Sub(station.heard).Abs() > silencesLast {
			continue
		}
		for _, s := range station.silences {
			selects := before[s.ID].selects // what a silence mutes never changes
			if selects.IsZero() {
				var err error
				if selects, err = s.Selector(); err != nil {
					continue
				}
			}
			heard[s.ID] = heardSilence{s, selects}
		}
	}
	all := slices.SortedFunc(maps.Values(heard), func(a, b heardSilence) int { return strings.Compare(a.ID, b.ID) })
	p.silences.Store(&all)
}

func (p *pager) heardSilences() []heardSilence {
	if all := p.silences.Load(); all != nil {
		return *all
	}
	return nil
}

// covering are the silences that mute an alert now, as far as it is known.
func (p *pager) covering(a alerts.Alert, now time.Time) []remediate.Silence {
	var covering []remediate.Silence
	for _, s := range p.heardSilences() {
		if now.Before(s.EndsAt) && s.selects.Matches(a.Labels) {
			covering = append(covering, remediate.Silence{
				ID: s.ID, By: remediate.Brief(s.By), Comment: remediate.Brief(s.Comment), Matchers: s.selects.Strings(), Until: s.EndsAt, Ours: ours(s.Silence),
			})
		}
	}
	return covering
}

// acknowledge takes a silence that somebody made of an incident's escalation as their
// acknowledgement, once.
func (p *pager) acknowledge(ctx context.Context, posting posting, incidents []remediate.Incident, now remediate.Instant) {
	heard := p.heardSilences()
	maps.DeleteFunc(p.said, func(pair string, _ bool) bool {
		return !slices.ContainsFunc(heard, func(s heardSilence) bool { return strings.HasSuffix(pair, " "+s.ID) })
	})
	for _, s := range heard {
		if ours(s.Silence) || !now.Wall.Before(s.EndsAt) || !slices.ContainsFunc(s.Matchers, aboutIncident) {
			continue
		}
		for n := range incidents {
			if i := &incidents[n]; i.State.Live() && posting.claims(s, i, now.Wall) {
				p.take(ctx, s, i)
			}
		}
	}
}

// aboutIncident reports whether a matcher chooses by incident.
func aboutIncident(m alertmanager.Matcher) bool { return m.Name == "incident" && !m.Not }

// lists reports whether a matcher is for a value, or for a list of values that has it,
// as pages write it who silence several alerts at once: ^(A|B)$. Any other expression
// names nothing.
func lists(m alertmanager.Matcher, value string) bool {
	if !m.Regex {
		return m.Value == value
	}
	list := strings.TrimSuffix(strings.TrimPrefix(m.Value, "^"), "$")
	list = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(list, "("), "?:"), ")")
	return slices.Contains(strings.Split(list, "|"), value)
}

// claims reports whether a silence is about an incident: it names it, alone or in a
// list as some pages write it, and mutes an alert of its escalation. One that mutes
// all incidents whatsoever is about none.
func (p posting) claims(s heardSilence, i *remediate.Incident, now time.Time) bool {
	if !slices.ContainsFunc(s.Matchers, func(m alertmanager.Matcher) bool { return aboutIncident(m) && lists(m, string(i.ID)) }) {
		return false
	}
	for level := range levels(i) {
		if s.selects.Matches(p.escalation(i, level, now).Labels) {
			return true
		}
	}
	return slices.ContainsFunc(p.escalations(i, now), func(a alertmanager.Alert) bool { return s.selects.Matches(a.Labels) })
}

// levels is how many levels an escalation has come to; one that has not begun may be
// silenced as its first.
func levels(i *remediate.Incident) int {
	if i.Page == nil {
		return 1
	}
	return max(i.Page.Level, 0) + 1
}

// take says that a silence's author has the incident, if that was not said before.
func (p *pager) take(ctx context.Context, s heardSilence, i *remediate.Incident) {
	pair := string(i.ID) + " " + s.ID
	done, tried := p.said[pair]
	if done || slices.Contains(i.Silences, s.ID) {
		return
	}
	_, err := p.o.Engine.Say(ctx, string(i.ID), remediate.Said{
		Verb: remediate.PersonAcks, By: author(s.By), Comment: remediate.Brief(s.Comment), Claimed: true, Silence: s.ID,
	})
	if ctx.Err() != nil {
		return
	}
	if err != nil && !tried {
		p.o.Log.Warn("a silence is not taken as an acknowledgement",
			slog.String("incident", string(i.ID)), slog.String("silence", s.ID), slog.Any("err", err))
	}
	p.said[pair] = err == nil
}

// author is the name that somebody gave themselves, on one line.
func author(by string) string {
	name := strings.Join(strings.Fields(remediate.Brief(by)), " ")
	if name == "" {
		return "somebody"
	}
	return name
}
