package simulate

import (
	"slices"
	"time"

	"nightshift/remediate"
)

// The invariants, as a breach names them. Each is counted when it is looked at, so
// that a run says how often it was put to the test.
const (
	logChains    = "each event follows the one before it: one log, one writer"
	logReads     = "what is stored can be read and folded"
	foldIsState  = "after a crash the state is the fold of the log"
	intentFirst  = "no effect without an earlier durable intent to do exactly that"
	intentOnce   = "one intent, one effect"
	asPlanned    = "an intent is for the step of the plan that was recorded"
	aloneOnIt    = "never two effects at once on what is touched"
	fewAtOnce    = "no more incidents act than may at once"
	listedOnly   = "no effect off the inventory, on the deny list, or where it only observes"
	approvedOnly = "what needs a person has the yes of one, to exactly that, not older than 15 minutes"
	approvalOnce = "one approval, one climb; each destructive step of it happens once"
	answeredTrue = "an approval is recorded only as a person gave it, for what was to be approved"
	withinRates  = "no attempt above what any sliding window allows"
	cooledDown   = "no attempt on what another incident has just acted on"
	notFrozen    = "no effect begins a second after a freeze"
	peopleHave   = "no effect begins once people have the incident, or it is over"
	probeAgrees  = "the first act needs a probe that agrees"
	inTime       = "each incident is ended or with people by its deadline, and not before for that reason"
	explained    = "each refusal, wait and end says why, in a word of the table and in a sentence"
	reasonsTrue  = "the reason is true"
	breakerHolds = "nothing begins while a breaker is open, or should be: one success does not wipe the count"
	waitsItOut   = "nothing begins in a storm, in maintenance, under a silence of a person, or just after a boot"
	neverTrusted = "no resolved of a silent source is taken for gone"
	notDoneTrue  = "what the log says did not happen did not happen"
	fixedIsFixed = "fixed is: settled, and healthy for the whole window"
	alertsKept   = "no alert that was accepted is lost"
)

// holds counts a look at an invariant, and notes a breach.
func (o *observer) holds(invariant string, ok bool, format string, args ...any) bool {
	o.w.count.add(o.w.count.checks, invariant)
	if !ok {
		o.broken(invariant, format, args...)
	}
	return ok
}

// approvalLasts is how long a yes, and a plan that waits for one, is good for.
const approvalLasts = 15 * time.Minute

// intends holds an intent to the rules.
func (o *observer) intends(c *account, e remediate.Event) {
	s := *e.Started
	on := s.What.On
	o.holds(peopleHave, c.state == remediate.Open, "%s begins %s while it is %s", c.id, s.What, c.state)
	o.holds(intentOnce, c.intent == nil, "%s begins %s while another step is not finished", c.id, s.What)
	if !o.holds(asPlanned, c.planned(s), "%s begins %s, which is not step %d of rung %d of its plan", c.id, s.What, s.Step, s.Rung) {
		return
	}
	o.listed(c, s)
	for id, other := range o.cases {
		for _, theirs := range other.touching() {
			o.holds(aloneOnIt, id == c.id || !overlap(theirs, on), "%s begins %s while %s is at work on %s", c.id, s.What, id, theirs)
		}
	}
	c.held = -1
	if c.climb == nil || c.climb.rung != s.Rung {
		o.climbs(c, e)
	}
	o.touches(c, e)
	c.intent = &intent{Started: s, at: time.Now()}
}

// planned reports whether an intent is for a step of the plan.
func (c *account) planned(s remediate.Started) bool {
	if c.plan == nil || s.PlanDigest != c.plan.Digest || s.Rung >= len(c.plan.Rungs) || s.Step >= len(c.plan.Rungs[s.Rung].Steps) {
		return false
	}
	return same(s.What, c.plan.Rungs[s.Rung].Steps[s.Step])
}

// same compares two steps by their text.
func same(a, b remediate.Step) bool {
	left, err := remediate.EncodeJSON(a)
	right, err2 := remediate.EncodeJSON(b)
	return err == nil && err2 == nil && string(left) == string(right)
}

// deniedBegin is what may not be touched unless it is allowed by name.
var deniedBegin = map[string]bool{"sshd.service": true, "nats.service": true}

// listed holds a step to the inventory.
func (o *observer) listed(c *account, s remediate.Started) {
	inv, on := o.w.config.Inventory, s.What.On
	unit, isUnit := inv.Units[on.Name]
	_, isVM := inv.VMs[on.Name]
	ok := on.Kind == remediate.UnitKind && isUnit && on.Name != "ghost.service" && (!deniedBegin[on.Name] || unit.Allow) ||
		on.Kind == remediate.VMKind && isVM
	o.holds(listedOnly, ok && o.mayGo(c, s.Rung) >= remediate.Approve, "%s begins %s", c.id, s.What)
}

// mayGo is how far the agent may go with a rung: the least of all that have a say.
func (o *observer) mayGo(c *account, rung int) remediate.Autonomy {
	config, planned := o.w.config, c.plan.Rungs[rung]
	levels := []remediate.Autonomy{config.Mode, c.playbook.Autonomy, planned.Autonomy, o.autonomy[c.playbook.Name]}
	for _, s := range planned.Steps {
		if s.On.Kind == remediate.VMKind {
			levels = append(levels, config.Inventory.VMs[s.On.Name].Autonomy)
			continue
		}
		levels = append(levels, config.Inventory.Units[s.On.Name].Autonomy)
	}
	least := remediate.Act
	for _, level := range levels {
		if level != remediate.Unset {
			least = min(least, level)
		}
	}
	return least
}

// needsPerson reports whether a rung is more than the agent may do alone.
func (o *observer) needsPerson(c *account, rung int) bool {
	alone, worst, unproved := remediate.Rollback, remediate.Observe, false
	for _, s := range c.plan.Rungs[rung].Steps {
		worst = max(worst, s.Risk)
		unproved = unproved || s.Do == remediate.VerbSwap && s.Image.Grade != remediate.BootProved
		if s.On.Kind == remediate.VMKind {
			alone = min(alone, o.w.config.Inventory.VMs[s.On.Name].Alone)
		} else {
			alone = min(alone, remediate.Restart)
		}
	}
	return worst > alone || unproved || o.mayGo(c, rung) == remediate.Approve
}

// climbs holds the begin of a rung to what is counted for a rung.
func (o *observer) climbs(c *account, e remediate.Event) {
	rung, acting := e.Started.Rung, 0
	for id, other := range o.cases {
		if id != c.id && len(other.touching()) > 0 {
			acting++
		}
	}
	o.holds(fewAtOnce, acting < o.w.config.MaxActing, "%s begins while %d others act", c.id, acting)
	o.holds(inTime, span(c.live, e.At) < c.playbook.Deadline, "%s begins a rung %s after its beginning, and its deadline is %s", c.id, span(c.live, e.At), c.playbook.Deadline)
	if rung == 0 && !c.asked {
		o.agreed(c)
	}
	if !c.asked {
		o.waitsOut(c, e)
	}
	if o.needsPerson(c, rung) {
		yes := c.approval
		ok := yes != nil && yes.digest == c.plan.Rungs[rung].Digest
		o.holds(approvedOnly, ok, "%s begins %s with the approval %+v", c.id, c.plan.Rungs[rung].Name, yes)
		if ok {
			o.holds(approvedOnly, span(yes.at, e.At) < approvalLasts, "%s begins %s %s after it was approved", c.id, c.plan.Rungs[rung].Name, span(yes.at, e.At))
			o.holds(approvalOnce, !yes.climbed, "%s begins %s by an approval that was used", c.id, c.plan.Rungs[rung].Name)
			yes.climbed = true
		}
	}
	c.climb = &climb{rung: rung, at: e.At, began: time.Now(), approval: c.approval, did: map[int]int{}, asked: map[int]int{}}
}

// agreed holds a first act to an answer that agreed with the alert.
func (o *observer) agreed(c *account) {
	for _, probe := range c.plan.Probes {
		if slices.ContainsFunc(o.answered[probe], func(a answer) bool { return a.health == remediate.Unhealthy }) {
			o.holds(probeAgrees, true, "")
			return
		}
	}
	o.holds(probeAgrees, false, "%s acts though none of %v was unhealthy for minutes", c.id, c.plan.Probes)
}

// waitsOut holds the begin of a ladder to what must be waited out.
func (o *observer) waitsOut(c *account, e remediate.Event) {
	inv := o.w.config.Inventory
	o.holds(waitsItOut, time.Now().After(o.storm), "%s begins in a storm", c.id)
	o.holds(waitsItOut, e.At.Up >= inv.Limits.StartupGrace, "%s begins %s after a boot", c.id, e.At.Up)
	hour := e.At.Wall.Hour()
	for _, s := range c.plan.Rungs[e.Started.Rung].Steps {
		covered := slices.Contains(inv.Maintenance[0].Units, s.On.Name) && (hour == 2 || hour == 3 || hour == 13 || hour == 14)
		o.holds(waitsItOut, !covered, "%s begins %s at %s, which is maintenance", c.id, s, e.At.Wall.Format(time.TimeOnly))
	}
}

// believes holds a resolved to its source being heard.
func (o *observer) believes(e remediate.Event) {
	j := e.Joined
	for name, source := range o.w.config.Inventory.Sources {
		ofIt := j.Alert.Name() != "SourceSilent" && source.Alerts.Matches(j.Alert.Labels)
		o.holds(neverTrusted, !ofIt || j.Alert.Firing() || j.Doubted || !o.silent[name], "%s takes %s for gone, and %s is silent", e.Incident, j.Alert.Name(), name)
	}
}

// bound reports whether a step only follows the one before it: from the power-down
// of a VM to its start nothing stands still.
func (o *observer) bound(c *account, rung, step int) bool {
	down := slices.IndexFunc(c.plan.Rungs[rung].Steps, func(s remediate.Step) bool { return s.Do == remediate.VerbPowerDown })
	return down >= 0 && step > down
}

// byWitness finds the incident whose open intent has that reading of the witness.
func (o *observer) byWitness(w remediate.Witness) *account {
	for _, c := range o.cases {
		if c.intent != nil && c.intent.Witness[factSerial] == w[factSerial] {
			return c
		}
	}
	return nil
}

// acts sees an effect begin; what it returns is called at its end.
func (o *observer) acts(p *process, s remediate.Step, w remediate.Witness) func() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes("process %d does %s", p.n, s)
	o.w.count.effects++
	c := o.byWitness(w)
	if !o.holds(intentFirst, c != nil && same(c.intent.What, s), "%s is done, and no intent of the log is to do it", s) {
		return func() {}
	}
	i := c.intent
	i.acts++
	o.holds(intentOnce, i.acts == 1, "%s of %s is done %d times by one intent", s, c.id, i.acts)
	bound := c.climb != nil && o.bound(c, i.Rung, i.Step)
	if !bound {
		o.melted(c, s)
	}
	if c.climb != nil {
		c.climb.asked[i.Step]++
		once := s.Do != remediate.VerbReset && s.Do != remediate.VerbOneshot
		o.holds(approvalOnce, once || c.climb.asked[i.Step] == 1, "%s of %s, which is not to be repeated, is asked for %d times", s, c.id, c.climb.asked[i.Step])
	}
	for _, other := range o.acting {
		o.holds(aloneOnIt, other.p.gone.Load() || !overlap(other.step.On, s.On), "%s begins while %s is under way", s, other.step)
	}
	a := &act{p, s, time.Now()}
	o.acting = append(o.acting, a)
	// What hangs beyond its time is given up: it was told so.
	o.w.later(s.Timeout+5*time.Second, func() { o.done(a) })
	return func() { o.done(a) }
}

func (o *observer) done(a *act) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.acting = slices.DeleteFunc(o.acting, func(b *act) bool { return a == b })
}

// happened sees that a step took place.
func (o *observer) happened(s remediate.Step, w remediate.Witness) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.byWitness(w)
	if c != nil {
		c.intent.happened = true
	}
	if c == nil || c.climb == nil {
		return
	}
	c.climb.did[c.intent.Step]++
	destructive := s.Risk >= remediate.Reset
	o.holds(approvalOnce, !destructive || c.climb.did[c.intent.Step] == 1, "%s of %s happened %d times in one climb", s, c.id, c.climb.did[c.intent.Step])
}

// melted holds an effect to the freezes.
func (o *observer) melted(c *account, s remediate.Step) {
	now := o.w.clock.now()
	for _, f := range []*freeze{o.froze, o.file} {
		if f == nil || !f.Until.IsZero() && over(f.Until, now) {
			continue
		}
		o.holds(notFrozen, time.Since(f.since) <= time.Second, "%s of %s begins %s after a freeze", s, c.id, time.Since(f.since))
	}
}

// over reports whether a moment has come, by the rule of [span].
func over(until, now remediate.Instant) bool {
	if until.Boot == now.Boot {
		return now.Up >= until.Up
	}
	return !now.Wall.Before(until.Wall)
}

// judged holds a verdict to the table.
func (o *observer) judged(c *account, e remediate.Event) {
	v := e.Judged.Verdict
	o.w.count.reason(v.Reason)
	c.held = -1
	if v.Decision == remediate.Allow {
		return
	}
	o.holds(explained, o.known(v.Reason) && v.Gate != "" && v.Detail != "", "%s is told %s by %q because of %q: %q", c.id, v.Decision, v.Gate, v.Reason, v.Detail)
	switch {
	case v.Decision == remediate.Hold:
		c.held, c.heldAt = e.Judged.Rung, e.At
	case v.Reason == "silenced":
		o.holds(reasonsTrue, o.w.silencedByPerson(c.alert), "%s is refused as silenced, and no person silenced %s", c.id, c.alert)
	case v.Reason == "frozen":
		lately := o.froze != nil || o.file != nil || time.Since(o.thawed) < 10*time.Minute
		o.holds(reasonsTrue, lately, "%s is refused as frozen, and nobody froze anything", c.id)
	}
}

// known reports whether a reason is one of those that are documented.
func (o *observer) known(r remediate.Reason) bool {
	all, err := Reasons()
	return err == nil && slices.Contains(all, r)
}

// approved holds a yes of the log to what a person said.
func (o *observer) approved(c *account, e remediate.Event) {
	if !o.holds(answeredTrue, c.held >= 0 && c.plan != nil, "%s is approved though nothing waits for that", c.id) {
		return
	}
	digest := c.plan.Rungs[c.held].Digest
	said := slices.ContainsFunc(o.said[c.id], func(s remediate.Said) bool {
		return s.Verb == remediate.PersonApproves && s.By == e.Answered.By && s.Plan == digest
	})
	o.holds(answeredTrue, said, "%s is approved by %s, who did not say yes to %s", c.id, e.Answered.By, digest)
	c.approval = &approval{by: e.Answered.By, digest: digest, at: e.At}
}

// verified holds an outcome to what was seen.
func (o *observer) verified(c *account, e remediate.Event) {
	if e.Verified.Outcome != remediate.Fixed {
		return
	}
	v := c.playbook.Verify
	o.holds(fixedIsFixed, c.worst == remediate.Healthy && !c.same.IsZero() && span(c.same, e.At) >= v.Window,
		"%s is fixed, and was healthy for %s of %s", c.id, span(c.same, e.At), v.Window)
	o.holds(fixedIsFixed, span(c.watched, c.same) >= v.Settle, "%s is fixed by an answer of %s after its act, and settles for %s", c.id, span(c.watched, c.same), v.Settle)
}

// ended holds an end to its reason.
func (o *observer) ended(c *account, e remediate.Event) {
	end := *e.Ended
	o.w.count.reason(end.Reason)
	o.holds(explained, o.known(end.Reason) && (end.Detail != "" || end.By != ""), "%s is %s because of %q: %q", c.id, end.State, end.Reason, end.Detail)
	switch end.Reason {
	case remediate.ReasonDeadline:
		rebooted := e.At.Boot != c.live.Boot && (e.At.Wall.Before(c.live.Wall) || e.At.Up >= c.playbook.Deadline)
		early := span(c.live, e.At) < c.playbook.Deadline && !rebooted
		o.holds(inTime, !early, "%s meets its deadline of %s after %s", c.id, c.playbook.Deadline, span(c.live, e.At))
	case remediate.ReasonExpired:
		o.holds(reasonsTrue, c.held >= 0 && span(c.heldAt, e.At) >= approvalLasts, "%s expires %s after it asked", c.id, span(c.heldAt, e.At))
	}
}

// finished holds a step that did not happen to the truth.
func (o *observer) finished(c *account, e remediate.Event) {
	if c.intent != nil && e.Finished.NotDone {
		o.holds(notDoneTrue, !c.intent.happened, "%s of %s is said not to have happened", c.intent.What, c.id)
	}
}
