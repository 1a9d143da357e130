package simulate

import (
	"context"
	"fmt"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
)

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
		{"memory is full", 3, w.fillsMemory},
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

// fillsMemory takes the memory, and half the time leaves one of those that are to
// stay healthy without an answer: whether the others can spare it is not known.
func (w *world) fillsMemory() {
	d := w.dice
	hog := pick(d, "hog", "cache.service", "mail.service", "queue.service", "nobody")
	dumb := pick(d, "dumb", "cache.service", "mail.service", "queue.service", "worker.service")
	until := time.Now().Add(d.about("dumb", 4*time.Minute))
	w.host.change(func() {
		w.host.hog = hog
		if d.chance("dumb", 0.5) {
			w.host.faults["unit:"+dumb] = fault{"unknown", until}
		}
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
			vm.stuck = vm.stuck || d.chance("guest acts", 0.5)
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

// keeps is what systemd does by itself. Now and then it is long at it, and has not
// mended what was broken.
func (w *world) keeps() {
	d := w.dice
	name := pick(d, "keeps", w.host.names()...)
	w.host.change(func() {
		u := w.host.units[name]
		if d.chance("keeps", 0.5) {
			w.host.restarts(name, true)
		}
		u.settling = time.Now().Add(d.about("keeps", 20*time.Second))
		if d.chance("keeps long", 0.25) {
			u.settling = u.settling.Add(4 * time.Minute)
			u.broken = true
		}
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
