package remediate

import (
	"slices"
	"strings"

	"nightshift/alerts"
)

// Arrival is one alert of one notification, with its place in the stream.
type Arrival struct {
	Alert     alerts.Alert
	Received  Instant
	Truncated bool
	Position  Position
	// Doubted is whether it says that an alert has ended, and nothing is heard any more
	// of where it comes from: a source that dies takes its alerts along.
	Doubted bool
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
	return l.Hear(a, set, inv, id, now)
}

// Hear is Take for an alert that did not come by the stream: one of our own, or one
// that is believed only now. It has no place there, and moves the cursor no further.
func (l *Ledger) Hear(a Arrival, set []Playbook, inv Inventory, id ID, now Instant) Disposition {
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
	if a.Doubted && (episode.Doubted || !episode.Alert.Firing()) {
		return d
	}
	if episode.Alert.Status != a.Alert.Status || episode.Doubted != a.Doubted || now.past(episode.Told, retellAfter) {
		d.Fate = FateJoined
		d.Event = a.join(episode.Incident, episode.Hangs, now)
	}
	return d
}

func (a Arrival) join(id ID, hangs bool, now Instant) *Event {
	return &Event{Type: IncidentJoined, Incident: id, At: now, Joined: &Joined{
		Alert: a.Alert, Received: a.Received, Truncated: a.Truncated, Hangs: hangs, Doubted: a.Doubted, Position: a.Position,
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
	severity := inv.severityOf(a.Alert)
	return Disposition{Fate: FateOpened, Incident: id, Event: &Event{Type: IncidentOpened, Incident: id, At: now, Opened: &Opened{
		Alert: a.Alert, Received: a.Received, Truncated: a.Truncated, Position: a.Position,
		Playbook: playbook.forTarget(inv, target), Target: target, Waits: waits, Follows: follows,
		Severity: severity, Escalation: inv.escalationOf(severity),
	}}}
}

// Ask opens an incident for what a person asked, about a target of the inventory.
// It waits its turn behind an earlier one about the same.
func (l *Ledger) Ask(p Playbook, target Target, asked Asked, inv Inventory, id ID, now Instant) Event {
	_, _, waits := l.host(target, "", inv)
	return Event{Type: IncidentOpened, Incident: id, At: now, Opened: &Opened{
		Received: now, Position: l.Cursor, Playbook: p.forTarget(inv, target), Target: target, Waits: waits, Asked: &asked,
		Severity: DefaultSeverity, Escalation: inv.escalationOf(DefaultSeverity),
	}}
}

// match is the first playbook, in list order, that is for the alert. Alerts of
// our own never are: an escalation must not mend itself.
func match(set []Playbook, a alerts.Alert) (Playbook, bool) {
	if strings.HasPrefix(strings.ToLower(a.Name()), ownAlerts) {
		return Playbook{}, false
	}
	for _, p := range set {
		if p.Match.Matches(a.Labels) {
			return p, true
		}
	}
	return Playbook{}, false
}

// ownAlerts begins the name of every alert about the agent itself, in any case of
// its letters.
const ownAlerts = "nightshift"

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
	switch {
	case r.Host:
		return Host(inv.Host)
	case r.VM != "":
		return inv.findVM(r.VM)
	case r.VMLabel != "":
		return inv.findVM(a.Labels[r.VMLabel])
	case r.UnitLabel != "":
		return inv.findUnit(a.Labels[r.UnitLabel])
	}
	return inv.findUnit(r.Unit)
}

func (inv Inventory) findUnit(wanted string) Target {
	if name, ok := inv.Find(wanted); ok {
		return Unit(name)
	}
	return Target{}
}

func (inv Inventory) findVM(wanted string) Target {
	if name, ok := inv.FindVM(wanted); ok {
		return VM(name)
	}
	return Target{}
}

// host finds the live incident that an alert about target hangs on: one of the
// same playbook and target, of something that the target needs, or of the host
// that is at work on it; or the one that it has to wait for, because another
// playbook has the target. Of several it is the first that was opened. What people
// have takes along only what is its own.
func (l *Ledger) host(target Target, playbook string, inv Inventory) (joins ID, hangs bool, waits ID) {
	if target.IsZero() {
		return "", false, ""
	}
	needs := inv.NeedsOf(target.Name)
	var own, parent, holder *Incident
	for _, i := range l.Incidents {
		switch {
		case !i.State.Live():
		case i.Target == target && i.Playbook.Name == playbook:
			own = first(own, i)
		case i.State == Escalated:
		case playbook != "" && i.Yields():
		case i.Target == target:
			holder = first(holder, i)
		case i.Target.Contains(target), target.Kind == UnitKind && i.Target.Kind == UnitKind && slices.Contains(needs, i.Target.Name):
			parent = first(parent, i)
		}
	}
	switch {
	case own != nil:
		return own.ID, false, ""
	case parent != nil:
		return parent.ID, true, ""
	case holder != nil:
		return "", false, holder.ID
	}
	return "", false, ""
}

// first is the one of two incidents that was opened first; nil is none.
func first(a, b *Incident) *Incident {
	if a == nil || opening(b, a) < 0 {
		return b
	}
	return a
}

// Loosened are the alerts that only hung on an incident which is over or with
// people, and fire still: they are judged anew, each by its own playbook. They come
// in the order of the stream, each with the incident that it hung on.
func (l *Ledger) Loosened(now Instant) (again []Arrival, follows []ID) {
	return l.arrivals(func(e *Episode, i *Incident) bool {
		return e.Hangs && !e.over(now) && (i.State == Escalated || !i.State.Live())
	})
}

// Lingering are the alerts that still fire though their incident mended or cleared it
// a while ago, or left it to people who were at work then: the probes decide anew.
func (l *Ledger) Lingering(now Instant) (again []Arrival, follows []ID) {
	return l.arrivals(func(e *Episode, i *Incident) bool {
		return (i.State == Resolved || i.State == Cleared || i.State == Suppressed) && !e.over(now) && now.past(i.Since, EpisodeLasts)
	})
}

// arrivals are the firing alerts that fit, as they came, with their incidents.
func (l *Ledger) arrivals(fits func(*Episode, *Incident) bool) (again []Arrival, follows []ID) {
	var found []*Episode
	for _, e := range l.Episodes {
		if i := l.Incidents[e.Incident]; i != nil && e.Alert.Firing() && fits(e, i) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b *Episode) int { return a.Position.compare(b.Position) })
	for _, e := range found {
		again, follows = append(again, e.arrival()), append(follows, e.Incident)
	}
	return again, follows
}

func (e *Episode) arrival() Arrival {
	return Arrival{Alert: e.Alert, Received: e.Received, Truncated: e.Truncated, Position: e.Position}
}
