package simulate

import (
	"context"
	"errors"
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

// silent reports whether the source of alerts says nothing.
func (w *world) silent() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Before(w.hush)
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
