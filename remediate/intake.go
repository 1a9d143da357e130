package remediate

import (
	"slices"

	"nightshift/alerts"
)

// Arrival is one alert of one notification, with its place in the stream.
type Arrival struct {
	Alert     alerts.Alert
	Received  Instant
	Truncated bool
	Position  Position
}

// Fate is what becomes of an alert: a value of the metric label "result".
type Fate string

// The fates.
const (
	FateOpened    Fate = "opened"    // it opens an incident
	FateJoined    Fate = "joined"    // it joins one
	FateRepeated  Fate = "repeated"  // it says what is known already
	FateUnmatched Fate = "unmatched" // no playbook is for it
	FateOver      Fate = "over"      // it has ended, and nothing had begun
	FateDropped   Fate = "dropped"   // it was dealt with before
)

// Fates lists them all, for metrics and documentation.
var Fates = []Fate{FateOpened, FateJoined, FateRepeated, FateUnmatched, FateOver, FateDropped}

// Disposition is what is to be recorded of an alert, if anything.
type Disposition struct {
	Fate Fate
	// Incident is the one that it joins or repeats, or the new one's name.
	Incident ID
	Event    *Event
}

// Take decides what becomes of an alert. set is the playbooks in their order, new
// the name for an incident if one is opened.
func (l *Ledger) Take(a Arrival, set []Playbook, inv Inventory, id ID, now Instant) Disposition {
	if !a.Position.After(l.Cursor) {
		return Disposition{Fate: FateDropped}
	}
	if episode, ok := l.Episodes[a.Alert.Fingerprint]; ok && l.Incidents[episode.Incident] != nil {
		return l.rejoin(episode, a, now)
	}
	if !a.Alert.Firing() {
		return Disposition{Fate: FateOver}
	}
	return l.Open(a, set, inv, id, "", now)
}

// rejoin is an alert of a running episode: news when its status changed, or when
// its last word is so old that a restart would take it for gone.
func (l *Ledger) rejoin(episode *Episode, a Arrival, now Instant) Disposition {
	d := Disposition{Fate: FateRepeated, Incident: episode.Incident}
	if episode.Alert.Status != a.Alert.Status || now.Since(episode.Told) >= retellAfter {
		d.Fate = FateJoined
		d.Event = a.join(episode.Incident, episode.Hangs, now)
	}
	return d
}

func (a Arrival) join(id ID, hangs bool, now Instant) *Event {
	return &Event{Type: IncidentJoined, Incident: id, At: now, Joined: &Joined{
		Alert: a.Alert, Received: a.Received, Truncated: a.Truncated, Hangs: hangs, Position: a.Position,
	}}
}

// Open decides about an alert without an episode, or one whose episode is taken
// up again after the incident named by follows.
func (l *Ledger) Open(a Arrival, set []Playbook, inv Inventory, id, follows ID, now Instant) Disposition {
	playbook, ok := match(set, a.Alert)
	if !ok {
		return Disposition{Fate: FateUnmatched}
	}
	target := playbook.Target.find(a.Alert, inv)
	host, hangs, waits := l.host(target, playbook.Name, inv)
	if host != "" {
		return Disposition{Fate: FateJoined, Incident: host, Event: a.join(host, hangs, now)}
	}
	return Disposition{Fate: FateOpened, Incident: id, Event: &Event{Type: IncidentOpened, Incident: id, At: now, Opened: &Opened{
		Alert: a.Alert, Received: a.Received, Truncated: a.Truncated, Position: a.Position,
		Playbook: playbook.forTarget(inv, target), Target: target, Waits: waits, Follows: follows,
	}}}
}

// match is the first playbook, in list order, that is for the alert. Alerts of
// our own never are: an escalation must not mend itself.
func match(set []Playbook, a alerts.Alert) (Playbook, bool) {
	if len(a.Name()) >= len(ownAlerts) && a.Name()[:len(ownAlerts)] == ownAlerts {
		return Playbook{}, false
	}
	for _, p := range set {
		if p.Match.Matches(a.Labels) {
			return p, true
		}
	}
	return Playbook{}, false
}

// ownAlerts begins the name of every alert about the agent itself.
const ownAlerts = "Nightshift"

// forTarget is the playbook with its verification's choices resolved, as an
// incident keeps it.
func (p Playbook) forTarget(inv Inventory, target Target) Playbook {
	p = p.WithDefaults()
	p.Verify.Healthy = VerifyProbes(p, inv, target)
	return p
}

// find looks the target up in the inventory; the zero target is one that is not
// there. The name is always the inventory's own.
func (r TargetRule) find(a alerts.Alert, inv Inventory) Target {
	wanted := r.Unit
	switch {
	case r.Host:
		return Host(inv.Host)
	case r.UnitLabel != "":
		wanted = a.Labels[r.UnitLabel]
	}
	if name, ok := inv.Find(wanted); ok {
		return Unit(name)
	}
	return Target{}
}

// host finds the live incident that an alert about target hangs on: one of the
// same playbook and target, of something that the target needs, or of the host
// that is at work on it; or the one that it has to wait for, because another
// playbook has the target.
func (l *Ledger) host(target Target, playbook string, inv Inventory) (joins ID, hangs bool, waits ID) {
	if target.IsZero() {
		return "", false, ""
	}
	needs := inv.NeedsOf(target.Name)
	for _, i := range l.Live() {
		switch {
		case i.Target == target && i.Playbook.Name == playbook:
			return i.ID, false, ""
		case target.Kind == UnitKind && i.Target.Kind == UnitKind && slices.Contains(needs, i.Target.Name):
			return i.ID, true, ""
		case i.State == Escalated:
		case i.Target == target:
			waits = i.ID
		case i.Target.Contains(target):
			return i.ID, true, ""
		}
	}
	return "", false, waits
}

// Loosened are the alerts that only hung on an incident which is over or with
// people, and fire still: they are judged anew, each by its own playbook. Those of
// its own episode stay.
func (l *Ledger) Loosened(ended *Incident) []Arrival {
	if ended.State.Live() && ended.State != Escalated {
		return nil
	}
	var loose []Arrival
	for _, e := range l.Episodes {
		if e.Incident == ended.ID && e.Alert.Firing() && e.Hangs {
			loose = append(loose, e.arrival())
		}
	}
	slices.SortFunc(loose, func(a, b Arrival) int {
		if a.Position.After(b.Position) {
			return 1
		}
		return -1
	})
	return loose
}

func (e *Episode) arrival() Arrival {
	return Arrival{Alert: e.Alert, Received: e.Received, Truncated: e.Truncated, Position: e.Position}
}

// Lingering are the ended incidents whose alert still fires though its time is
// over: the probes decide anew. At says when the next one would be.
func (l *Ledger) Lingering(now Instant) (again []Arrival, follows []ID, next Instant) {
	for _, fingerprint := range sortedKeys(l.Episodes) {
		e := l.Episodes[fingerprint]
		i := l.Incidents[e.Incident]
		if i == nil || i.State != Resolved && i.State != Cleared || !e.Alert.Firing() || e.over(now) {
			continue
		}
		due := i.Since.Add(EpisodeLasts)
		if now.Before(due) {
			if next.IsZero() || due.Before(next) {
				next = due
			}
			continue
		}
		again = append(again, e.arrival())
		follows = append(follows, i.ID)
	}
	return again, follows, next
}

func sortedKeys(m map[alerts.Fingerprint]*Episode) []alerts.Fingerprint {
	keys := make([]alerts.Fingerprint, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
