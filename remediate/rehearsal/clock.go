package rehearsal

import (
	"container/heap"
	"context"
	"iter"
	"time"

	"nightshift/remediate/engine"
)

// clock is virtual time, and all that happens in it, one thing after the other. It
// is the [engine.Pace] of a rehearsal: what an engine does beside its loop is a
// coroutine here, which lets go where the world takes its time.
type clock struct {
	now     time.Duration // since the beginning
	due     agenda
	asked   int // counts what was put on the agenda, so that equals come in order
	ready   []func()
	looping bool
	running *errand
	closed  bool
}

var _ engine.Pace = (*clock)(nil)

// Post runs f now, or after what the loop does now.
func (c *clock) Post(f func()) bool {
	if c.closed {
		return false
	}
	c.ready = append(c.ready, f)
	if !c.looping {
		c.loop()
	}
	return true
}

// loop does what is ready, and what becomes ready by that.
func (c *clock) loop() {
	c.looping = true
	defer func() { c.looping = false }()
	for len(c.ready) > 0 {
		f := c.ready[0]
		c.ready = c.ready[1:]
		f()
	}
}

// After puts f on the agenda.
func (c *clock) After(d time.Duration, f func()) (stop func()) {
	c.asked++
	e := &entry{at: c.now + max(d, 0), turn: c.asked, f: f}
	heap.Push(&c.due, e)
	return func() { e.f = nil }
}

// next lets time pass up to the next thing on the agenda, and does it; false says
// that there is none up to that time.
func (c *clock) next(end time.Duration) bool {
	for len(c.due) > 0 && c.due[0].at <= end {
		e := heap.Pop(&c.due).(*entry)
		if e.f == nil {
			continue
		}
		c.now = max(c.now, e.at)
		c.ready = append(c.ready, e.f)
		c.loop()
		return true
	}
	return false
}

// until lets time pass up to then.
func (c *clock) until(end time.Duration) {
	for c.next(end) {
	}
	c.now = max(c.now, end)
}

// errand is something that goes on beside the loop.
type errand struct {
	resume func()
	yield  func(struct{}) bool
}

// Go begins f, and lets it go on until it waits for something.
func (c *clock) Go(f func()) { c.start(f, func() {}) }

// start is Go that says when f has ended.
func (c *clock) start(f, ended func()) {
	t := &errand{}
	next, _ := iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		f()
	})
	t.resume = func() {
		was := c.running
		c.running = t
		_, waits := next()
		c.running = was
		if !waits {
			ended()
		}
	}
	t.resume()
}

// await lets go until wake is called, after which it goes on at once. Outside of
// any errand it lets time pass until then.
func (c *clock) await(begin func(wake func())) {
	t, woken, waiting := c.running, false, false
	begin(func() {
		woken = true
		if t != nil && waiting {
			waiting = false
			t.resume()
		}
	})
	switch {
	case woken:
	case t != nil:
		waiting = true
		t.yield(struct{}{})
	default:
		for !woken && c.next(forever) {
		}
	}
}

// forever is later than anything: some 292 years.
const forever = time.Duration(1<<63 - 1)

// Sleep takes its time. When the rehearsal is over it takes none any more.
func (c *clock) Sleep(d time.Duration) {
	if d > 0 && !c.closed {
		c.await(func(wake func()) { c.After(d, wake) })
	}
}

// Together begins them all in order, and goes on when all have ended.
func (c *clock) Together(fs ...func()) {
	left := len(fs)
	if left == 0 {
		return
	}
	c.await(func(wake func()) {
		for _, f := range fs {
			c.start(f, func() {
				if left--; left == 0 {
					wake()
				}
			})
		}
	})
}

// Within ends its context at the timeout, and waits no longer than the engine's
// grace for who does not heed that.
func (c *clock) Within(ctx context.Context, timeout time.Duration, ask func(context.Context) any) (answer any, ok bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var given any
	c.await(func(wake func()) {
		over := false
		stop := []func(){
			c.After(timeout, cancel),
			c.After(timeout+engine.Grace, func() { over = true; wake() }),
		}
		c.start(func() { given = ask(ctx) }, func() {
			for _, s := range stop {
				s()
			}
			if !over {
				answer, ok = given, true
				wake()
			}
		})
	})
	return answer, ok
}

// close lets everything that still waits come to its end, and nothing come of it.
func (c *clock) close() {
	c.closed = true
	for c.next(forever) {
	}
}

// agenda is what is to happen, by its time and then in the order in which it was
// asked for.
type agenda []*entry

type entry struct {
	at   time.Duration
	turn int
	f    func() // nil once it was called off
}

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a agenda) Less(i, j int) bool {
	if a[i].at != a[j].at {
		return a[i].at < a[j].at
	}
	return a[i].turn < a[j].turn
}
func (a *agenda) Push(e any) { *a = append(*a, e.(*entry)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	return e
}
