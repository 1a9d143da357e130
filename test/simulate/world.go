package simulate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/engine"
)

// world is one seed's: a host, its agent, and all that happens to both.
type world struct {
	seed     uint64
	dice     *dice
	clock    *clock
	config   engine.Config
	host     *host
	stream   *stream
	mailbox  *mailbox
	people   *people
	observer *observer
	count    *counts

	began, until time.Time
	alive        sync.WaitGroup
	processes    int
	// other is the last agent that was not alone.
	other *process
	// calm is how long it is between two things that happen, in the mean.
	calm time.Duration

	mu  sync.Mutex
	now *process
	// file is the freeze that a file holds.
	file *remediate.Freeze
	// ambush is whether a freeze comes during the next intent's append.
	ambush bool
	// strike is whether the process dies in the middle of the next act.
	strike bool
	epochs int
	quiet  map[string]remediate.Silence // by the name of the alert
	hush   time.Time                    // until when the source of alerts says nothing
}

// newWorld makes one; it must be within a bubble of virtual time.
func newWorld(seed uint64) *world {
	w := &world{seed: seed, dice: newDice(seed), clock: newClock(), began: time.Now(), count: newCounts()}
	w.config = config(w.dice)
	w.host, w.mailbox, w.people = newHost(w), newMailbox(w), &people{w: w}
	w.stream = &stream{w: w}
	w.observer = newObserver(w)
	return w
}

// peace is how long nothing more goes wrong at the end, so that all that lives can
// end: longer than any deadline.
const peace = 40 * time.Minute

// lives lets the world be for so long, and returns what the observer found.
func (w *world) lives(length time.Duration) *breach {
	w.until = w.began.Add(length - peace)
	w.begins()
	manager := &alertmanager{w: w, since: map[string]time.Time{}, sent: map[string]time.Time{}}
	w.alive.Go(manager.watches)
	for next := time.Now(); !w.over(); {
		select {
		case <-w.process().dead:
			w.restarts()
		case <-time.After(w.dice.between("world", 5*time.Second, 10*time.Second)):
			w.observer.looks()
		}
		if now := time.Now(); !now.Before(next) {
			w.happens()
			next = now.Add(w.dice.about("world", w.calm))
		}
	}
	w.rests()
	w.process().kill()
	w.alive.Wait()
	time.Sleep(10 * time.Minute) // until all that hangs has given up
	return w.observer.found()
}

// rests is the end, in which nothing more goes wrong.
func (w *world) rests() {
	for end := time.Now().Add(peace); time.Now().Before(end) && w.observer.found() == nil; {
		select {
		case <-w.process().dead:
			w.begins()
		case <-time.After(7 * time.Second):
			w.observer.looks()
		}
	}
}

// over reports whether nothing more is to happen.
func (w *world) over() bool { return !time.Now().Before(w.until) || w.observer.found() != nil }

// later does something after a while, if the world goes on.
func (w *world) later(after time.Duration, f func()) {
	w.alive.Go(func() {
		time.Sleep(after)
		if !w.over() {
			f()
		}
	})
}

// begins starts a process.
func (w *world) begins() {
	p := w.starts()
	w.mu.Lock()
	w.now = p
	w.mu.Unlock()
}

// process is that of the moment.
func (w *world) process() *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// restarts follows the death of a process, sometimes long after it, sometimes with
// the whole machine.
func (w *world) restarts() {
	w.endsWell(w.process())
	if w.other != nil {
		w.other.kill() // whoever was fenced by it starts anew only when it is gone
	}
	away := w.dice.about("away", 15*time.Second)
	if w.dice.chance("away", 0.04) {
		away = w.dice.about("away", 40*time.Minute)
	}
	time.Sleep(away)
	if w.dice.chance("away", 0.15) {
		w.reboots()
	}
	w.begins()
	if w.dice.chance("away", 0.1) { // and again while it takes everything up
		w.process().doomed(1 + w.dice.number("away", 6))
	}
}

// endsWell holds a process that ended by itself to a reason for it.
func (w *world) endsWell(p *process) {
	select {
	case <-p.ended:
		if err := p.err; err != nil && !errors.Is(err, engine.ErrFenced) && !errors.Is(err, engine.ErrStartAgain) {
			w.observer.breach("the engine ends only when it must", "%v", err)
		}
	default:
	}
}

func (w *world) reboots() {
	w.count.add(w.count.happened, "reboot")
	w.observer.sees("the machine boots")
	w.clock.reboot()
	w.host.change(w.host.reboots)
}

// frozenByFile is what the agent reads of its freeze file.
func (w *world) frozenByFile() *remediate.Freeze {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.file
}

// freezesByFile writes the file, and removes it a while later.
func (w *world) freezesByFile(length time.Duration) {
	f := &remediate.Freeze{By: "the file", Reason: "somebody wrote it", At: w.clock.now()}
	w.mu.Lock()
	w.file = f
	w.mu.Unlock()
	w.observer.fileFreezes(true)
	w.later(length, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.file == f {
			w.file = nil
			w.observer.fileFreezes(false)
		}
	})
}

// freezes asks the agent for a freeze.
func (w *world) freezes(ctx context.Context, by string, length time.Duration) {
	_, _ = w.process().engine.Freeze(ctx, by, "something is odd", length, nil)
}

// reached is at each durable boundary: an ambush writes the freeze file while an
// intent is on its way to the disk.
func (w *world) reached(boundary string) {
	w.mu.Lock()
	ambush := w.ambush && boundary == "step.started.before"
	if ambush {
		w.ambush = false
	}
	w.mu.Unlock()
	if !ambush {
		return
	}
	w.stream.slows(3500 * time.Millisecond)
	w.later(time.Second, func() { w.freezesByFile(time.Minute) })
}

// strikes reports, once, whether the process is to die in the middle of an act.
func (w *world) strikes() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	strike := w.strike
	w.strike = false
	return strike
}

// happens is one thing that goes wrong, or just happens.
func (w *world) happens() {
	d := w.dice
	if w.calm == 0 || d.chance("calm", 0.01) {
		w.calm = d.between("calm", 10*time.Second, 2*time.Minute)
	}
	total := 0
	for _, e := range w.events() {
		total += e.weight
	}
	n := d.number("happens", total)
	for _, e := range w.events() {
		if n -= e.weight; n < 0 {
			w.count.add(w.count.happened, e.name)
			e.happens()
			return
		}
	}
}

// event is one kind of thing that happens.
type event struct {
	name    string
	weight  int
	happens func()
}

// events are all of them.
func (w *world) events() []event {
	d := w.dice
	return []event{
		{"a unit breaks", 24, w.breaks},
		{"memory is full", 3, func() {
			w.host.change(func() {
				w.host.hog = pick(d, "hog", "cache.service", "mail.service", "queue.service", "nobody")
			})
		}},
		{"memory is free", 2, func() { w.host.change(func() { w.host.hog = "" }) }},
		{"a virtual machine breaks", 6, w.breaksVM},
		{"an answer goes wrong", 12, w.deceives},
		{"a keeper acts", 4, w.keeps},
		{"people", 8, w.people.atRandom},
		{"noise", 7, w.noise},
		{"a crash at a boundary", 6, func() { w.process().doomed(1 + d.number("doom", 40)) }},
		{"a kill", 2, func() { w.process().kill() }},
		{"a stop", 1, func() { w.process().cancel() }},
		{"a clock jumps", 2, w.jumps},
		{"the disk is full", 2, func() { w.stream.fails(d.about("disk", 20*time.Second)) }},
		{"a second agent", 1, w.doubles},
		{"a freeze during an intent", 2, func() { w.mu.Lock(); w.ambush = true; w.mu.Unlock() }},
		{"a silence", 4, w.silenced},
		{"a source falls silent", 2, func() {
			w.mu.Lock()
			w.hush = time.Now().Add(d.about("hush", 9*time.Minute))
			w.mu.Unlock()
		}},
		{"everything breaks", 1, w.collapses},
		{"a crash during an act", 4, func() { w.mu.Lock(); w.strike = true; w.mu.Unlock() }},
		{"an explanation", 2, w.explains},
		{"the host's turn", 1, w.standsAside},
		{"the disks went back", 1, func() {
			if d.chance("went back", 0.3) {
				w.wentBack()
			}
		}},
	}
}

// breaks breaks a unit; what mends it may be another.
func (w *world) breaks() {
	d := w.dice
	name := pick(d, "breaks", "db.service", "app.service", "web.service", "queue.service", "worker.service", "cache.service", "mail.service", "slow.service", "shown.service", "nats.service", "sshd.service")
	mends := name
	switch n := d.number("breaks", 10); {
	case n < 2:
		mends = ""
	case n < 4:
		mends = pick(d, "breaks", "db.service", "app.service", "queue.service")
	}
	heals := time.Now().Add(d.about("breaks", 25*time.Minute))
	w.host.change(func() {
		u := w.host.units[name]
		u.broken, u.mends, u.heals = true, mends, heals
	})
}

// collapses breaks much at once.
func (w *world) collapses() {
	heals := time.Now().Add(w.dice.about("collapses", 20*time.Minute))
	w.host.change(func() {
		for _, name := range []string{"db.service", "queue.service", "cache.service", "mail.service", "nats.service", "slow.service"} {
			u := w.host.units[name]
			u.broken, u.mends, u.heals = true, name, heals
		}
	})
}

// silent reports whether the source of alerts says nothing.
func (w *world) silent() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Before(w.hush)
}

func (w *world) breaksVM() {
	d := w.dice
	name := pick(d, "breaks vm", "rave", "spare")
	w.host.change(func() {
		vm := w.host.vms[name]
		switch d.number("breaks vm", 8) {
		case 0:
			vm.paused = true
		case 1:
			vm.stuck = true
		case 2:
			vm.alive = false
		case 3, 4: // an update
			vm.disk = fmt.Sprint("update-", w.processes, "-", vm.starts)
			vm.bad[vm.disk] = d.chance("breaks vm", 0.7)
		case 5: // a checkpoint is promoted
			vm.good = fmt.Sprint("checkpoint-", vm.starts)
			vm.grade = pick(d, "breaks vm", remediate.BootProved, remediate.BootProved, remediate.WasHealthy)
		case 6:
			vm.guestActs = time.Now().Add(d.about("breaks vm", 5*time.Minute))
		case 7: // somebody mends it
			vm.alive, vm.paused, vm.stuck = !vm.held, false, false
			vm.bad = map[string]bool{}
		}
	})
}

// deceives makes an answer wrong for a while.
func (w *world) deceives() {
	d := w.dice
	unit := pick(d, "deceives", w.host.names()...)
	what := pick(d, "deceives", "unit:"+unit, "unit:"+unit, "front", "memory", "rave-port", "spare-port", "situation:"+unit, "situation:rave", "witness:"+unit, "happened:"+unit, "see")
	kind := pick(d, "deceives", "lies", "unknown", "unknown", "hangs")
	until := time.Now().Add(d.about("deceives", 2*time.Minute))
	w.host.change(func() { w.host.faults[what] = fault{kind, until} })
}

// keeps is what systemd does by itself.
func (w *world) keeps() {
	d := w.dice
	name := pick(d, "keeps", w.host.names()...)
	w.host.change(func() {
		if d.chance("keeps", 0.5) {
			w.host.restarts(name, true)
		}
		w.host.units[name].settling = time.Now().Add(d.about("keeps", 20*time.Second))
	})
}

// noise is what alerts say of things that are not there, or not ours.
func (w *world) noise() {
	d := w.dice
	labels := pick(d, "noise",
		map[string]string{"alertname": "Unmatched"},
		map[string]string{"alertname": "NightshiftDown"},
		map[string]string{"alertname": "UnitCrashed", "name": "evil.service"},
		map[string]string{"alertname": "UnitCrashed", "name": "ghost.service"},
		map[string]string{"alertname": "UnitCrashed", "name": "rave-vm.service"},
		map[string]string{"alertname": "Watched", "name": "mail.service"},
		map[string]string{"alertname": "Watched", "name": "worker.service"},
		map[string]string{"alertname": "Misplanned"},
		map[string]string{"alertname": "NothingToDo"},
		map[string]string{"alertname": "VMDown", "vm": "nobody's"},
	)
	status := alerts.Firing
	if d.chance("noise", 0.2) {
		status = alerts.Resolved
	}
	if labels["alertname"] == "Misplanned" || labels["alertname"] == "NothingToDo" || labels["alertname"] == "Watched" {
		w.host.change(func() {
			until := time.Now().Add(3 * time.Minute)
			for _, probe := range []string{"unit:cache.service", "unit:" + labels["name"], "memory"} {
				if !w.host.unhealthy(probe) && probe != "unit:" {
					w.host.faults[probe] = fault{"lies", until}
				}
			}
		})
	}
	w.mailbox.receives(d.chance("noise", 0.05), about(status, labels))
}

// jumps sets the wall clock wrong, or right again.
func (w *world) jumps() {
	const years = 10 * 365 * 24 * time.Hour
	if astray := w.clock.astray(); astray != 0 && w.dice.chance("jumps", 0.6) {
		w.observer.sees("the wall clock is right again")
		w.clock.jump(-astray)
		return
	}
	by := pick(w.dice, "jumps", time.Hour, -time.Hour, years, -years)
	w.observer.sees("the wall clock jumps by %s", by)
	w.clock.jump(by)
}

// doubles starts a second agent on the same log, as if the lock on the state
// directory had not kept it out. That it comes between an intent and its effect is
// what the lock is for; the log keeps them apart at all other times.
func (w *world) doubles() {
	if w.observer.midAct() {
		return
	}
	w.other = w.process()
	w.begins()
	w.later(w.dice.about("doubles", 20*time.Second), w.other.kill)
}

// silenced is a silence for all alerts of a name, by a person or by the agent.
func (w *world) silenced() {
	d := w.dice
	name := pick(d, "silence", "UnitCrashed", "UnitSlow", "SiteDown", "VMDown")
	s := remediate.Silence{ID: fmt.Sprint("silence-", w.processes), By: "ann", Ours: d.chance("silence", 0.6), Until: time.Now().Add(d.about("silence", 4*time.Minute))}
	if s.Ours {
		s.By = "nightshift"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.quiet == nil {
		w.quiet = map[string]remediate.Silence{}
	}
	w.quiet[name] = s
}

// silences are those that cover an alert now.
func (w *world) silences(a alerts.Alert) []remediate.Silence {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.quiet[a.Name()]; ok && time.Now().Before(s.Until) {
		return []remediate.Silence{s}
	}
	return nil
}

// silencedByPerson reports whether a person silenced alerts of that name within the
// last minute.
func (w *world) silencedByPerson(alert string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.quiet[alert]
	return ok && !s.Ours && time.Now().Before(s.Until.Add(time.Minute))
}

// explains asks what would become of an old alert.
func (w *world) explains() {
	ctx, cancel := context.WithTimeout(context.Background(), asksFor)
	defer cancel()
	d := w.dice
	now := w.clock.now()
	received := now
	received.Wall, received.Up = now.Wall.Add(-time.Hour), now.Up-time.Hour
	x, err := w.process().engine.Explain(ctx, remediate.Arrival{
		Alert:    about(alerts.Firing, map[string]string{"alertname": "UnitCrashed", "name": pick(d, "explains", w.host.names()...)}),
		Received: received,
	})
	if err != nil {
		return
	}
	for _, v := range x.Verdicts {
		w.count.reason(v.Reason)
	}
}

// standsAside is what the host of this machine says, if it is a virtual one.
func (w *world) standsAside() {
	ctx, cancel := context.WithTimeout(context.Background(), asksFor)
	defer cancel()
	until := w.clock.now().Add(w.dice.about("aside", 2*time.Minute))
	_ = w.process().engine.StandAside(ctx, until, "the host")
}

// wentBack tells the agent that it is a virtual machine whose disks were exchanged.
func (w *world) wentBack() {
	ctx, cancel := context.WithTimeout(context.Background(), asksFor)
	defer cancel()
	w.epochs++
	position := w.mailbox.position()
	w.observer.excuses(position)
	_ = w.process().engine.Awake(ctx, fmt.Sprint("epoch-", w.epochs), position)
}
