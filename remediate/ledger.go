package remediate

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"nightshift/alerts"
)

const (
	// EpisodeLasts is how long after its alert has ended an episode goes on:
	// Alertmanager sends a firing group again at every flush, and an alert that
	// comes back within minutes is the same trouble.
	EpisodeLasts = 15 * time.Minute
	// episodeGone is how long after the last word of a firing alert it counts
	// as gone: Alertmanager's default repeat_interval of 4 h, and some.
	episodeGone = 4*time.Hour + 30*time.Minute
	// retellAfter is how often an unchanged firing alert is recorded again, so
	// that a restart knows that its episode goes on.
	retellAfter = time.Hour
	// attemptsKept is the longest window in which attempts are counted: no
	// duration of an inventory is longer.
	attemptsKept = 30 * 24 * time.Hour
	// nonceKept is how long a nonce is remembered after its signature has expired, so
	// that a clock which is set back makes none good again.
	nonceKept = 24 * time.Hour
)

// Ledger is all that the agent knows by its log: the fold of every event. A
// snapshot of it and the events since make the same.
type Ledger struct {
	// Cursor is the last alert that was dealt with.
	Cursor Position `json:"cursor"`
	// Incidents are the live ones, and ended ones whose episode goes on.
	Incidents map[ID]*Incident `json:"incidents"`
	// Episodes are the alerts that belong to an incident now.
	Episodes map[alerts.Fingerprint]*Episode `json:"episodes"`
	// Attempts are what was touched in the last 30 days.
	Attempts []Attempt `json:"attempts"`
	// Ours are the invocations that our own acts left behind: a restart by one
	// incident is no person's to another.
	Ours map[Target]string `json:"ours"`
	// Freeze is the freeze of the log; a file may freeze too, of which FileFreeze was
	// said.
	Freeze     *Freeze `json:"freeze,omitzero"`
	FileFreeze *Freeze `json:"fileFreeze,omitzero"`
	// Epoch is the one that the host of this VM last started it in; empty outside
	// of a VM that a host looks after.
	Epoch string `json:"epoch,omitzero"`
	// Aside is the last time that the host of this VM had its turn.
	Aside *StoodAside `json:"aside,omitzero"`
	// Breakers are those that are open, Closed when each was last closed: what
	// failed before counts no more.
	Breakers map[BreakerKey]Breaker `json:"breakers,omitzero"`
	Closed   map[BreakerKey]Instant `json:"closed,omitzero"`
	// Autonomy is how far playbooks may go by what became of them, and Lowers the
	// incidents for which one has still to be lowered.
	Autonomy map[string]AutonomySet `json:"autonomy,omitzero"`
	Lowers   map[ID]Lowering        `json:"lowers,omitzero"`
	// Records are what became of each playbook's incidents.
	Records map[string]Record `json:"records,omitzero"`
	// CarriedOut are the incidents, ended and only observed, of which people carried out
	// the plan.
	CarriedOut map[ID]Target `json:"carriedOut,omitzero"`
	// Boots are those of the last 30 days, the present one last: they tell how much
	// time has passed whatever the wall clock says.
	Boots []Boot `json:"boots,omitzero"`
	// Began are the beginnings of trouble of the last day.
	Began []Beginning `json:"began,omitzero"`
	// Storm is the last one.
	Storm *Storm `json:"storm,omitzero"`
	// Sources are the sources of alerts that were ever heard.
	Sources map[string]SourceChanged `json:"sources,omitzero"`
	// Nonces are those of signatures that were taken and might come again, each
	// with when it may not.
	Nonces map[string]Instant `json:"nonces,omitzero"`
	// Told is when people were last handed an incident for a reason, and told of it:
	// while that reason lasts, they hear of others with that one.
	Told map[Reason]Instant `json:"told,omitzero"`
}

// Episode is an alert from its first firing until it has ended for a while.
type Episode struct {
	Incident  ID           `json:"incident"`
	Alert     alerts.Alert `json:"alert"`
	Received  Instant      `json:"received"`
	Truncated bool         `json:"truncated,omitzero"`
	// Hangs is whether another playbook's incident took it along.
	Hangs bool `json:"hangs,omitzero"`
	// Doubted is whether its end was told and not believed.
	Doubted bool `json:"doubted,omitzero"`
	// Position is where its last recorded notification came from.
	Position Position `json:"position"`
	// Told is when its last word was recorded.
	Told Instant `json:"told"`
}

// Attempt is one rung of one incident touching one thing.
type Attempt struct {
	On       Target  `json:"on"`
	Playbook string  `json:"playbook"`
	Incident ID      `json:"incident"`
	Rung     int     `json:"rung"`
	At       Instant `json:"at"`
	// Swapped is whether it exchanged a VM's disks.
	Swapped bool `json:"swapped,omitzero"`
	// Ended is when its verification was over; zero while it runs.
	Ended   Instant `json:"ended,omitzero"`
	Outcome Outcome `json:"outcome,omitzero"`
	// Forgiven and PlaybookForgiven are whether a breaker was closed since, of what it
	// touched and of its playbook: it counts for that one no more.
	Forgiven         bool `json:"forgiven,omitzero"`
	PlaybookForgiven bool `json:"playbookForgiven,omitzero"`
}

// NewLedger is that of an empty log.
func NewLedger() *Ledger {
	return &Ledger{Incidents: map[ID]*Incident{}, Episodes: map[alerts.Fingerprint]*Episode{}, Ours: map[Target]string{}}
}

// Apply folds one event. An error says that the log does not fit itself.
func (l *Ledger) Apply(e Event) error {
	l.forget(e.At)
	l.clock(e.At)
	if proof := e.proof(); proof != nil {
		put(&l.Nonces, proof.Nonce, proof.Expires)
	}
	switch {
	case e.Read != nil:
		l.read(e.Read.Position)
		return nil
	case e.Froze != nil || e.Thawed != nil:
		l.freezes(e)
		return nil
	case e.WentBack != nil:
		l.Epoch = e.WentBack.Epoch
		l.read(e.WentBack.Position)
		return nil
	case e.StoodAside != nil:
		l.Aside = e.StoodAside
		return nil
	case e.Incident == "":
		return l.applyHost(e)
	}
	incident, ok := l.Incidents[e.Incident]
	switch {
	case e.Opened != nil && ok:
		return fmt.Errorf("cannot open incident %s: there is one of that name", e.Incident)
	case e.Opened != nil:
		incident = &Incident{}
	case !ok:
		return fmt.Errorf("cannot apply %s: there is no incident %s", e.Type, e.Incident)
	}
	quiet := !incident.Firing && !incident.Climbing()
	if err := incident.Apply(e); err != nil {
		return err
	}
	l.Incidents[e.Incident] = incident
	l.note(incident, e)
	if quiet && incident.Firing {
		l.began(incident, e)
	}
	return nil
}

// freezes folds a freeze or its end, by the log or by a file.
func (l *Ledger) freezes(e Event) {
	frozen := &l.Freeze
	if e.Froze != nil && e.Froze.File || e.Thawed != nil && e.Thawed.File {
		frozen = &l.FileFreeze
	}
	*frozen = e.Froze
}

// applyHost folds what the gates and people know of the host beside a freeze.
func (l *Ledger) applyHost(e Event) error {
	switch {
	case e.BreakerOpened != nil:
		l.breakerOpened(*e.BreakerOpened)
	case e.BreakerClosed != nil:
		l.breakerClosed(e.BreakerClosed.Key, e.At)
	case e.AutonomySet != nil:
		put(&l.Autonomy, e.AutonomySet.Playbook, *e.AutonomySet)
		delete(l.Lowers, e.AutonomySet.Incident)
	case e.StormBegan != nil:
		l.Storm = e.StormBegan
	case e.SourceChanged != nil:
		put(&l.Sources, e.SourceChanged.Source, *e.SourceChanged)
	case e.CarriedOut != nil:
		l.carriedOut(*e.CarriedOut)
	case e.PageFailed != nil: // nothing follows from it
	default:
		return fmt.Errorf("cannot apply event %q of the host: it says nothing that is known", e.Type)
	}
	return nil
}

// put sets a key of a map that may not be there yet.
func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}

// note keeps what outlives the incident: episodes, attempts, the cursor.
func (l *Ledger) note(incident *Incident, e Event) {
	switch {
	case e.Opened != nil && e.Opened.Asked != nil: // no alert, no episode
	case e.Opened != nil:
		o := e.Opened
		l.tell(incident.ID, Joined{Alert: o.Alert, Received: o.Received, Truncated: o.Truncated, Position: o.Position}, e.At)
	case e.Joined != nil:
		l.tell(incident.ID, *e.Joined, e.At)
	case e.Started != nil:
		l.attempt(incident, e)
	case e.Finished != nil:
		maps.Copy(l.Ours, e.Finished.Invocations)
	case e.Verified != nil, e.Ended != nil:
		l.attemptsEnd(incident, e)
		l.ends(incident, e)
	}
}

// ToldSince reports whether people were told, since then, of an incident that they
// got for that reason.
func (l *Ledger) ToldSince(why Reason, since Instant) bool {
	told, ok := l.Told[why]
	return ok && !told.Before(since)
}

func (l *Ledger) read(p Position) {
	if p.After(l.Cursor) {
		l.Cursor = p
	}
}

func (l *Ledger) tell(id ID, j Joined, at Instant) {
	l.read(j.Position)
	if known, ok := l.Episodes[j.Alert.Fingerprint]; ok && j.Doubted {
		doubted := *known
		doubted.Doubted = true
		l.Episodes[j.Alert.Fingerprint] = &doubted
		return
	}
	l.Episodes[j.Alert.Fingerprint] = &Episode{
		Incident: id, Alert: j.Alert, Received: j.Received, Truncated: j.Truncated, Hangs: j.Hangs, Position: j.Position, Told: at,
	}
}

// attempt counts each thing once a rung, also what is taken along: a step that a crash
// interrupted is the same attempt. What a person asked for and interrupts nothing is none.
func (l *Ledger) attempt(incident *Incident, e Event) {
	if incident.Asked != nil && e.Started.What.Risk <= Limit {
		return
	}
	for _, on := range unique(append(e.Started.What.Touches(), e.Started.Takes...)) {
		l.attemptOn(on, incident, e)
	}
}

func (l *Ledger) attemptOn(on Target, incident *Incident, e Event) {
	a := Attempt{On: on, Playbook: incident.Playbook.Name, Incident: incident.ID, Rung: e.Started.Rung, At: e.At}
	a.Swapped = e.Started.What.Do == VerbSwap
	for old := range l.AttemptsOf(incident) {
		if old.On == a.On && old.Rung == a.Rung && old.Ended.IsZero() {
			old.Swapped = old.Swapped || a.Swapped
			return
		}
	}
	l.Attempts = append(l.Attempts, a)
}

func (l *Ledger) attemptsEnd(incident *Incident, e Event) {
	for a := range l.AttemptsOf(incident) {
		if a.Ended.IsZero() {
			a.Ended, a.Outcome = e.At, outcomeOf(incident, e)
		}
	}
}

// AttemptsOf are those of one incident, the newest first. A month may hold very many,
// in the order in which they were made.
func (l *Ledger) AttemptsOf(incident *Incident) iter.Seq[*Attempt] {
	return func(yield func(*Attempt) bool) {
		for n := len(l.Attempts) - 1; n >= 0 && !l.earlier(l.Attempts[n].At, incident.OpenedAt); n-- {
			if a := &l.Attempts[n]; a.Incident == incident.ID && !yield(a) {
				return
			}
		}
	}
}

// Climbed counts the rungs of a playbook that were climbed in the last 30 days, and
// those whose verification ended, by what it said. A rung that touched several things
// is one.
func (l *Ledger) Climbed(playbook string) (rungs int, verified map[Outcome]int) {
	type rung struct {
		incident ID
		at       int
		ended    Instant
	}
	seen := map[rung]bool{}
	verified = map[Outcome]int{}
	for _, a := range l.Attempts {
		r := rung{a.Incident, a.Rung, a.Ended}
		if a.Playbook != playbook || seen[r] {
			continue
		}
		seen[r] = true
		rungs++
		if a.Outcome != "" {
			verified[a.Outcome]++
		}
	}
	return rungs, verified
}

// forget drops attempts that no window can reach any more. They stand in the
// order in which they were made.
func (l *Ledger) forget(now Instant) {
	old := 0
	for old < len(l.Attempts) && l.Elapsed(l.Attempts[old].At, now) >= attemptsKept {
		old++
	}
	l.Attempts = slices.Delete(l.Attempts, 0, old)
}

// Prune drops episodes that are over and ended incidents that no episode holds.
// It is a step of its own, between events, because it depends on the time only.
func (l *Ledger) Prune(now Instant) {
	held := map[ID]bool{}
	for fingerprint, episode := range l.Episodes {
		incident := l.Incidents[episode.Incident]
		if episode.over(now) && (incident == nil || !incident.State.Live()) {
			delete(l.Episodes, fingerprint)
			continue
		}
		held[episode.Incident] = true
	}
	maps.DeleteFunc(l.Incidents, func(id ID, i *Incident) bool { return !i.State.Live() && !held[id] })
	maps.DeleteFunc(l.Nonces, func(_ string, expires Instant) bool { return now.Since(expires) >= nonceKept })
	maps.DeleteFunc(l.Lowers, func(id ID, _ Lowering) bool { return l.Incidents[id] == nil })
	maps.DeleteFunc(l.CarriedOut, func(id ID, _ Target) bool { return l.Incidents[id] == nil })
}

// over reports whether an alert has been gone for long enough. Where the clock went
// back it is taken for gone: an alert must not be known already for ten years.
func (e *Episode) over(now Instant) bool {
	if e.Alert.Firing() {
		return now.past(e.Told, episodeGone)
	}
	return now.past(e.Told, EpisodeLasts)
}

// Live are the incidents that are not over, in the order in which they opened.
func (l *Ledger) Live() []*Incident {
	var live []*Incident
	for _, i := range l.Incidents {
		if i.State.Live() {
			live = append(live, i)
		}
	}
	slices.SortFunc(live, opening)
	return live
}

// opening compares incidents by when they opened, by name where that was at once.
func opening(a, b *Incident) int {
	return cmp.Or(a.OpenedAt.Wall.Compare(b.OpenedAt.Wall), cmp.Compare(a.ID, b.ID))
}

// Frozen is the freeze that holds now, by the log; nil when none does.
func (l *Ledger) Frozen(now Instant) *Freeze {
	if l.Freeze == nil || l.Freeze.Over(now) {
		return nil
	}
	return l.Freeze
}
