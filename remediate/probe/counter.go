package probe

import (
	"context"
	"sync"
	"time"

	"nightshift/remediate"
)

// CounterOptions say what is counted, and how fast it may rise.
type CounterOptions struct {
	Name string
	// What it counts, for people.
	What string
	// Read is the counter's value now; one that is less than before began anew.
	Read func(context.Context) (float64, error)
	// Max is by how much it may rise within Per.
	Max     float64
	Per     time.Duration
	Timeout time.Duration
}

// Counter holds the rise of any counter of this host against the most. As with
// [Metric], it knows only what it was asked to look at.
type Counter struct {
	o    CounterOptions
	now  func() time.Time
	turn turn

	mu      sync.Mutex
	history history
}

// NewCounter makes a probe of a counter. Samples are of the time now.
func NewCounter(o CounterOptions, now func() time.Time) *Counter {
	return &Counter{o: o, now: now, turn: newTurn(), history: history{per: o.Per}}
}

// Every is how often the probe should be asked, as [Metric.Every].
func (c *Counter) Every() time.Duration { return max(c.o.Per/20, time.Second) }

// Probe reads once, twice where it is the first time, and judges with what it
// knows from before.
func (c *Counter) Probe(ctx context.Context) remediate.Observation {
	return ask(ctx, c.o.Name, c.o.Timeout, func(ctx context.Context) answer {
		if err := again(ctx, c.sample); err != nil {
			return unknown("cannot count %s: %v", c.o.What, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		seen := c.history.judge(c.o.Max)
		seen.detail = c.o.What + ": " + seen.detail
		return seen
	})
}

// sample reads and remembers; it reports how many samples there are.
func (c *Counter) sample(ctx context.Context) (samples int, err error) {
	if !c.turn.take(ctx) {
		return 0, ctx.Err()
	}
	defer c.turn.give()
	value, err := c.o.Read(ctx)
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.history.add(c.now(), value)
	return len(c.history.readings), nil
}

// firstLook is how long apart the first two samples are taken: with one of them
// alone, whoever asks for the first time would never hear anything.
const firstLook = time.Second

// again takes a sample, and a second one after a while where it was the first.
func again(ctx context.Context, sample func(context.Context) (int, error)) error {
	samples, err := sample(ctx)
	if err != nil || samples > 1 {
		return err
	}
	timer := time.NewTimer(firstLook)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil // there is one sample, and its judge says so
	}
	_, err = sample(ctx)
	return err
}
