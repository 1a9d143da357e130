package simulate

import (
	"context"
	"sync"
	"time"

	"nightshift/remediate"
)

// people are those on call. They read what the log says, and answer it well, badly,
// late, twice, or not at all.
type people struct {
	w  *world
	mu sync.Mutex
	// seen are the digests that were ever to be approved, newest last: what is
	// answered by mistake.
	seen []string
	// knows are incidents that were heard of.
	knows []remediate.ID
}

// names of people, in order.
var names = []string{"ann", "bob", "cyn"}

// asksFor is how long a person waits for an answer of the agent.
const asksFor = 30 * time.Second

// say asks the agent of the moment for something.
func (p *people) say(id remediate.ID, said remediate.Said) error {
	ctx, cancel := context.WithTimeout(context.Background(), asksFor)
	defer cancel()
	said.Approves = remediate.Rollback
	p.w.observer.says(id, said)
	_, err := p.w.process().engine.Say(ctx, string(id), said)
	p.w.count.add(p.w.count.words, wordOf(said.Verb, err))
	return err
}

func wordOf(verb string, err error) string {
	if err != nil {
		return verb + " refused"
	}
	return verb
}

// hears is told of each stored event.
func (p *people) hears(e remediate.Event, plan *remediate.Plan, rung int) {
	d := p.w.dice
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case e.Opened != nil:
		p.knows = append(p.knows, e.Incident)
	case e.Judged != nil && e.Judged.Verdict.Decision == remediate.Hold && plan != nil:
		digest := plan.Rungs[rung].Digest
		p.seen = append(p.seen, digest)
		p.w.later(d.about("people", 3*time.Minute), func() { p.answers(e.Incident, digest) })
	case e.BreakerOpened != nil:
		p.w.later(d.about("people", 20*time.Minute), func() { p.closes(e.BreakerOpened.Key()) })
	case e.AutonomySet != nil && e.AutonomySet.By == "":
		p.w.later(d.about("people", 15*time.Minute), func() { p.promotes(e.AutonomySet.Playbook) })
	case e.Ended != nil && e.Ended.State == remediate.Escalated:
		p.w.later(d.about("people", 8*time.Minute), func() { p.takes(e.Incident) })
	}
}

// answers is what a person does about a plan that waits.
func (p *people) answers(id remediate.ID, digest string) {
	d := p.w.dice
	by := pick(d, "people", names...)
	yes := remediate.Said{Verb: remediate.PersonApproves, By: by, Plan: digest}
	switch n := d.number("people", 100); {
	case n < 50:
		_ = p.say(id, yes)
	case n < 62: // and says it again, later
		_ = p.say(id, yes)
		p.w.later(d.about("people", 5*time.Minute), func() { _ = p.say(id, yes) })
		p.w.later(d.about("people", 30*time.Minute), func() { _ = p.say(id, yes) })
	case n < 74: // of something else
		yes.Plan = p.digest()
		_ = p.say(id, yes)
	case n < 84:
		_ = p.say(id, remediate.Said{Verb: remediate.PersonDenies, By: by})
	}
}

// takes is what a person does about an incident that was handed over.
func (p *people) takes(id remediate.ID) {
	d := p.w.dice
	by := pick(d, "people", names...)
	switch n := d.number("people", 100); {
	case n < 35:
		_ = p.say(id, remediate.Said{Verb: remediate.PersonResumes, By: by})
	case n < 65:
		_ = p.say(id, remediate.Said{Verb: remediate.PersonCloses, By: by, Comment: "I fixed it"})
	case n < 70:
		_ = p.say(id, remediate.Said{Verb: remediate.PersonApproves, By: by, Again: true})
	case n < 78:
		_ = p.say(id, remediate.Said{Verb: remediate.PersonAcks, By: by})
	case n < 88: // by hand
		p.w.host.change(func() { p.w.host.restarts(pick(d, "people", p.w.host.names()...), false) })
	}
}

// closes closes a breaker, and promotes gives a playbook another chance.
func (p *people) closes(key remediate.BreakerKey) {
	ctx, cancel := context.WithTimeout(context.Background(), asksFor)
	defer cancel()
	_ = p.w.process().engine.CloseBreaker(ctx, key, "ann", "mended", nil)
}

func (p *people) promotes(playbook string) {
	ctx, cancel := context.WithTimeout(context.Background(), asksFor)
	defer cancel()
	_ = p.w.process().engine.Promote(ctx, playbook, remediate.Unset, "bob", "it was the disk", nil)
}

// atRandom is what people do without being asked.
func (p *people) atRandom() {
	w, d := p.w, p.w.dice
	ctx, cancel := context.WithTimeout(context.Background(), asksFor)
	defer cancel()
	by := pick(d, "people", names...)
	vm := remediate.VM(pick(d, "people", "rave", "spare"))
	switch d.number("at random", 12) {
	case 0:
		w.freezes(ctx, by, d.about("freeze", 4*time.Minute))
	case 1:
		_ = w.process().engine.Thaw(ctx, by, "enough", nil)
	case 2:
		w.freezesByFile(d.about("freeze file", 3*time.Minute))
	case 3:
		_, _ = w.process().engine.Start(ctx, "vm-rollback", vm, remediate.Asked{By: by})
	case 4:
		_, _ = w.process().engine.Start(ctx, "vm-checkpoint", vm, remediate.Asked{By: by, Checkpoint: "mine"})
	case 10, 11:
		_ = w.process().engine.Promote(ctx, pick(d, "people", "slow", "site", "memory", "vm-down"), remediate.Unset, by, "it works", nil)
	case 5:
		w.host.change(func() { w.host.restarts(pick(d, "people", w.host.names()...), false) })
	case 6:
		p.stops(pick(d, "people", "cache.service", "mail.service", "worker.service"))
	default:
		p.meddles(by)
	}
}

// stops stops a unit by hand, and starts it a while later.
func (p *people) stops(unit string) {
	p.w.host.change(func() { p.w.host.units[unit].stopped = true })
	p.w.later(p.w.dice.about("stops", 10*time.Minute), func() {
		p.w.host.change(func() { p.w.host.restarts(unit, false) })
	})
}

// meddles says any word to any incident.
func (p *people) meddles(by string) {
	d := p.w.dice
	if id, ok := p.incident(); ok {
		_ = p.say(id, remediate.Said{
			Verb: pick(d, "meddles", remediate.PersonApproves, remediate.PersonDenies, remediate.PersonCloses, remediate.PersonResumes,
				remediate.PersonAcks, remediate.PersonComments, remediate.PersonCancels, remediate.PersonCancels, "dance"),
			By: by, Plan: p.digest(),
		})
	}
}

// incident is one that was heard of lately.
func (p *people) incident() (remediate.ID, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	recent := p.knows[max(0, len(p.knows)-12):]
	if len(recent) == 0 {
		return "", false
	}
	return pick(p.w.dice, "meddles", recent...), true
}

// digest is one that was to be approved at some time.
func (p *people) digest() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) == 0 {
		return ""
	}
	return pick(p.w.dice, "meddles", p.seen[max(0, len(p.seen)-8):]...)
}
