package simulate

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/journal"
)

// observer sees what was stored, what was done, and what was answered, and holds it
// to the invariants. It keeps its own small account of each incident; the agent's
// own fold it uses for one thing only: that a start finds what the log says.
type observer struct {
	w *world

	mu    sync.Mutex
	first *breach
	last  []string // what happened last, in words

	// n and hash are of the last event, shadow the fold of all.
	n      uint64
	hash   string
	shadow *remediate.Ledger

	cases    map[remediate.ID]*account
	attempts []*attempt
	autonomy map[string]remediate.Autonomy
	froze    *freeze
	file     *freeze
	thawed   time.Time // when a freeze was over last
	acting   []*act
	answered map[string][]answer
	said     map[remediate.ID][]remediate.Said
	// letters are the firing alerts that have a playbook, told those that an
	// incident of the log took in.
	letters []letter
	told    map[alerts.Fingerprint][]word
	writes  time.Time // the last event
	// breakers are those that are open, silent the sources that are, and storm is
	// until when the last one goes on.
	breakers map[remediate.BreakerKey]bool
	silent   map[string]bool
	storm    time.Time
}

// breach is an invariant that did not hold.
type breach struct {
	invariant, detail string
	last              []string
}

func (b *breach) String() string {
	return fmt.Sprintf("%s: %s\nthe last events:\n%s", b.invariant, b.detail, strings.Join(b.last, "\n"))
}

func newObserver(w *world) *observer {
	return &observer{
		w: w, hash: strings.Repeat("0", 64), shadow: remediate.NewLedger(), cases: map[remediate.ID]*account{},
		autonomy: map[string]remediate.Autonomy{}, answered: map[string][]answer{}, said: map[remediate.ID][]remediate.Said{},
		told: map[alerts.Fingerprint][]word{}, writes: time.Now(),
		breakers: map[remediate.BreakerKey]bool{}, silent: map[string]bool{},
	}
}

// kept is how many of the last events a breach shows.
const kept = 400

// notes remembers a line for the breach that may come.
func (o *observer) notes(format string, args ...any) {
	at := time.Since(o.w.began).Round(time.Millisecond)
	o.last = append(o.last, fmt.Sprintf("  %12s  ", at)+fmt.Sprintf(format, args...))
	if len(o.last) > 2*kept {
		o.last = slices.Delete(o.last, 0, kept)
	}
}

// sees remembers what happened to the host.
func (o *observer) sees(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes(format, args...)
}

// breach says that an invariant does not hold. Only the first counts.
func (o *observer) breach(invariant, format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.broken(invariant, format, args...)
}

// broken is breach for who holds the lock.
func (o *observer) broken(invariant, format string, args ...any) {
	if o.first == nil {
		o.first = &breach{invariant, fmt.Sprintf(format, args...), slices.Clone(o.last[max(0, len(o.last)-kept):])}
	}
}

// found is the first breach.
func (o *observer) found() *breach {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.first
}

// stores sees an event that has become durable.
func (o *observer) stores(text []byte) {
	r, err := journal.ReadEvent(text)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.broken(logReads, "%v", err)
		return
	}
	o.holds(logChains, r.N == o.n+1 && r.Prev == o.hash, "event %d follows event %d, and names another hash or number", r.N, o.n)
	o.n, o.hash, o.writes = r.N, r.Hash, time.Now()
	if r.Snapshot != nil {
		o.notes("event %d: snapshot", r.N)
		return
	}
	o.notes("event %d: %s %s", r.N, r.Incident, inWords(r.Event))
	o.w.count.add(o.w.count.events, string(r.Type))
	if err := o.shadow.Apply(r.Event); err != nil {
		o.broken(logReads, "event %d does not fold: %v", r.N, err)
	}
	o.follows(r.Event)
}

// inWords says an event in a line.
func inWords(e remediate.Event) string {
	switch {
	case e.Opened != nil:
		return fmt.Sprintf("%s %s of %s", e.Type, e.Opened.Playbook.Name, e.Opened.Target)
	case e.Judged != nil:
		return fmt.Sprintf("%s rung %d: %s %s %s", e.Type, e.Judged.Rung, e.Judged.Verdict.Decision, e.Judged.Verdict.Reason, e.Judged.Verdict.Detail)
	case e.Waited != nil:
		return fmt.Sprintf("%s %s", e.Type, e.Waited.Reason)
	case e.Started != nil:
		return fmt.Sprintf("%s %s (again %t)", e.Type, e.Started.What, e.Started.Again)
	case e.Finished != nil:
		return fmt.Sprintf("%s %s %s doubt %q not done %t", e.Type, e.Finished.Receipt.Result, e.Finished.Receipt.Detail, e.Finished.Doubt, e.Finished.NotDone)
	case e.Verified != nil:
		return fmt.Sprintf("%s %s %s", e.Type, e.Verified.Outcome, e.Verified.Detail)
	case e.Answered != nil:
		return fmt.Sprintf("%s %s by %s", e.Type, e.Answered.Verb, e.Answered.By)
	case e.Ended != nil:
		return fmt.Sprintf("%s %s: %s %s", e.Type, e.Ended.State, e.Ended.Reason, e.Ended.Detail)
	case e.BreakerOpened != nil:
		return fmt.Sprintf("%s %s: %s", e.Type, e.BreakerOpened.Key(), e.BreakerOpened.Why)
	case e.BreakerClosed != nil:
		return fmt.Sprintf("%s %s", e.Type, e.BreakerClosed.Key)
	case e.AutonomySet != nil:
		return fmt.Sprintf("%s %s to %s: %s", e.Type, e.AutonomySet.Playbook, e.AutonomySet.To, e.AutonomySet.Why)
	case e.Froze != nil:
		return fmt.Sprintf("%s by %s", e.Type, e.Froze.By)
	}
	return string(e.Type)
}

// forgotten is the age at which an attempt counts for no window any more.
const forgotten = 30 * 24 * time.Hour

// follows keeps the accounts.
func (o *observer) follows(e remediate.Event) {
	if e.Incident == "" {
		o.followsHost(e)
		return
	}
	o.attempts = slices.DeleteFunc(o.attempts, func(a *attempt) bool { return time.Since(a.at.truly) >= forgotten })
	c := o.cases[e.Incident]
	if e.Opened != nil {
		c = &account{
			id: e.Incident, playbook: e.Opened.Playbook, target: e.Opened.Target, asked: e.Opened.Asked != nil,
			alert: e.Opened.Alert.Name(), state: remediate.Open, live: e.At, since: time.Now(), held: -1,
		}
		o.cases[e.Incident] = c
		o.hears(e.Opened.Alert)
	}
	if c == nil {
		o.broken(logReads, "an event of incident %s, which was never opened", e.Incident)
		return
	}
	o.w.people.hears(e, c.plan, judgedRung(e))
	o.followsCase(c, e)
}

func judgedRung(e remediate.Event) int {
	if e.Judged == nil {
		return 0
	}
	return e.Judged.Rung
}

func (o *observer) followsHost(e remediate.Event) {
	o.w.people.hears(e, nil, 0)
	switch {
	case e.Froze != nil && e.Froze.File, e.Thawed != nil && e.Thawed.File: // the file itself is looked at
	case e.Froze != nil:
		o.froze = &freeze{*e.Froze, time.Now()}
	case e.Thawed != nil:
		o.froze, o.thawed = nil, time.Now()
	case e.BreakerOpened != nil:
		o.breakers[e.BreakerOpened.Key()] = true
	case e.BreakerClosed != nil:
		o.forgives(e.BreakerClosed.Key)
	case e.StormBegan != nil:
		o.storm = time.Now().Add(e.StormBegan.Until.Since(e.StormBegan.At))
	case e.SourceChanged != nil:
		o.silent[e.SourceChanged.Source] = e.SourceChanged.To == remediate.SourceSilent
	case e.AutonomySet != nil:
		o.autonomy[e.AutonomySet.Playbook] = e.AutonomySet.To
	}
}

func (o *observer) followsCase(c *account, e remediate.Event) {
	switch {
	case e.Joined != nil:
		o.believes(e)
		o.hears(e.Joined.Alert)
	case e.Planned != nil:
		plan := e.Planned.Plan
		c.plan, c.held = &plan, -1
	case e.Judged != nil:
		o.judged(c, e)
	case e.Waited != nil:
		o.w.count.reason(e.Waited.Reason)
		c.held = -1
	case e.Started != nil:
		o.intends(c, e)
	case e.Finished != nil:
		o.finished(c, e)
		c.intent = nil
	case e.Watched != nil:
		o.w.count.reason(e.Watched.Only)
		c.only = e.Watched.Only
		c.held, c.watched, c.same, c.worst = -1, e.At, remediate.Instant{}, remediate.Unknown
	case e.Probed != nil:
		o.probed(c, e)
	case e.Verified != nil:
		o.verified(c, e)
		o.descends(c, e)
	case e.Answered != nil:
		o.answeredBy(c, e)
	case e.Ended != nil:
		o.ended(c, e)
		o.descends(c, e)
		c.held, c.state = -1, e.Ended.State
	}
}

// hears notes that the log took an alert in.
func (o *observer) hears(a alerts.Alert) {
	o.told[a.Fingerprint] = append(o.told[a.Fingerprint], word{time.Now(), a.Firing()})
}

// probed keeps since when the probes of a verification say the same.
func (o *observer) probed(c *account, e remediate.Event) {
	worst := remediate.Healthy
	for _, seen := range e.Probed.Observations {
		if seen.Health == remediate.Unhealthy || seen.Health == remediate.Unknown && worst == remediate.Healthy {
			worst = seen.Health
		}
	}
	if c.same.IsZero() || worst != c.worst {
		c.worst, c.same = worst, e.At
	}
}

// descends ends a climb.
func (o *observer) descends(c *account, e remediate.Event) {
	if c.climb == nil {
		return
	}
	for _, a := range c.climb.attempts {
		if a.ended == nil {
			a.ended = &moment{e.At, time.Now()}
			if e.Verified != nil && c.only == "" {
				a.outcome = e.Verified.Outcome
			}
		}
	}
	c.climb, c.approval = nil, nil
}

// answeredBy keeps a person's yes, and that an incident was handed back.
func (o *observer) answeredBy(c *account, e remediate.Event) {
	switch e.Answered.Verb {
	case remediate.PersonApproves:
		o.approved(c, e)
		c.held = -1
	case remediate.PersonResumes:
		c.state, c.live, c.since = remediate.Open, e.At, time.Now()
		c.plan, c.approval, c.climb = nil, nil, nil
	}
}

// answers sees what a probe answered to a process.
func (o *observer) answers(p *process, probe string, health remediate.Health) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	all := append(o.answered[probe], answer{now, health})
	for len(all) > 0 && now.Sub(all[0].at) > 3*time.Minute {
		all = all[1:]
	}
	o.answered[probe] = all
}

// says notes what a person is about to say.
func (o *observer) says(id remediate.ID, said remediate.Said) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.said[id] = append(o.said[id], said)
}

// fileFreezes notes that the freeze file is there, or gone.
func (o *observer) fileFreezes(there bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes("the freeze file: %t", there)
	if o.file = nil; there {
		o.file = &freeze{since: time.Now()}
		return
	}
	o.thawed = time.Now()
}

// delivers notes what was answered with 200.
func (o *observer) delivers(arrivals []remediate.Arrival) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.w.count.alerts += len(arrivals)
	for _, a := range arrivals {
		if a.Alert.Firing() && slices.ContainsFunc(o.w.config.Playbooks, func(p remediate.Playbook) bool { return p.Match.Matches(a.Alert.Labels) }) {
			o.letters = append(o.letters, letter{a.Alert.Fingerprint, time.Now(), a.Position, a.Alert.Name()})
		}
	}
}

// excuses takes back what was delivered before the disks went back.
func (o *observer) excuses(remediate.Position) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.letters = nil
}

// midAct reports whether any step was begun and is not finished.
func (o *observer) midAct() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.cases {
		if c.intent != nil {
			return true
		}
	}
	return false
}
