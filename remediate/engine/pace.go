package engine

import (
	"context"
	"sync"
	"time"

	"nightshift/remediate"
)

// Pace is how time passes for an engine, and how it asks the world beside its
// loop. The engine's own, where [Options] name none, is real time and goroutines,
// and is what [Engine.Run] drives. A rehearsal has another, in which one thing
// happens after the other and an hour is over at once: everything else is the same.
type Pace interface {
	// Post runs f in the loop; false says that the engine has ended.
	Post(f func()) bool
	// After posts f after a while, unless stop is called before.
	After(d time.Duration, f func()) (stop func())
	// Go runs f beside the loop.
	Go(f func())
	// Together runs all of them at the same time, and returns when all have returned.
	Together(fs ...func())
	// Within asks, and returns the answer; false says that there was none within
	// the time, nor within some grace beyond it.
	Within(ctx context.Context, timeout time.Duration, ask func(context.Context) any) (answer any, ok bool)
}

// process is the pace of a process of its own.
type process struct{ e *Engine }

var _ Pace = process{}

func (p process) Post(f func()) bool {
	select {
	case p.e.inbox <- f:
		return true
	case <-p.e.done:
		return false
	case <-p.e.ctx.Done():
		return false
	}
}

func (p process) After(d time.Duration, f func()) (stop func()) {
	timer := time.AfterFunc(d, func() { p.Post(f) })
	return func() { timer.Stop() }
}

func (p process) Go(f func()) { p.e.work.Go(f) }

func (p process) Together(fs ...func()) {
	var all sync.WaitGroup
	for _, f := range fs {
		all.Go(f)
	}
	all.Wait()
}

// Within gives who does not answer in time some grace to say itself what it was
// doing: nothing that hangs may hold an incident up.
func (p process) Within(ctx context.Context, timeout time.Duration, ask func(context.Context) any) (any, bool) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answers := make(chan any, 1)
	go func() { answers <- ask(ctx) }()
	select {
	case answer := <-answers:
		return answer, true
	case <-ctx.Done():
	}
	late := time.NewTimer(Grace)
	defer late.Stop()
	select {
	case answer := <-answers:
		return answer, true
	case <-late.C:
		return nil, false
	}
}

// Grace is how long after its time something may still answer, so that it can say
// itself what it was doing: longer than a call over D-Bus may take.
const Grace = 7 * time.Second

// within is the answer of ask, if there is one in time.
func within[T any](ctx context.Context, pace Pace, timeout time.Duration, ask func(context.Context) T) (answer T, ok bool) {
	got, ok := pace.Within(ctx, timeout, func(ctx context.Context) any { return ask(ctx) })
	if ok {
		answer = got.(T)
	}
	return answer, ok
}

// each asks the world about several things at once, within a time, and returns
// the answers in order; for what does not answer, missing stands in.
func each[Q, A any](ctx context.Context, pace Pace, timeout time.Duration, of []Q, ask func(context.Context, Q) A, missing func(Q) A) []A {
	answers := make([]A, len(of))
	asking := make([]func(), len(of))
	for n, q := range of {
		asking[n] = func() {
			answer, ok := within(ctx, pace, timeout, func(ctx context.Context) A { return ask(ctx, q) })
			if !ok {
				answer = missing(q)
			}
			answers[n] = answer
		}
	}
	pace.Together(asking...)
	return answers
}

// TakeUp takes up every live incident, as Run does first. TakeUp, Tick, Known and
// Close are for who drives an engine by a [Pace] of their own, in the place of Run:
// each is called in its loop.
func (e *Engine) TakeUp() { e.recover() }

// TickEvery is how often the engine does what depends on the time alone: deadlines,
// freezes that end, episodes that are over, alerts to be judged anew.
const TickEvery = time.Second

// Tick does what depends on the time alone, as Run does every [TickEvery]; the error
// says that the engine can't go on.
func (e *Engine) Tick() error {
	e.tick()
	return e.fatal
}

// Known is all that is known now: to be read only, and until the next thing happens.
func (e *Engine) Known() *remediate.Ledger { return e.ledger }

// Close ends what is under way.
func (e *Engine) Close() {
	e.stop()
	for _, t := range e.tasks {
		t.cancel()
	}
}
