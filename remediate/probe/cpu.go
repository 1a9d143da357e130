package probe

import (
	"context"
	"io/fs"
	"sync"
	"time"

	"nightshift/remediate"
)

// CPUOptions say whose time of the processors is looked at, and how much of it
// may be used.
type CPUOptions struct {
	Name string
	// Of is a service or a slice; empty for the whole machine.
	Of string
	// MaxPercent is the greatest healthy share: of all processors for the machine,
	// of one of them otherwise.
	MaxPercent float64
	Per        time.Duration
	Timeout    time.Duration
	// FS is the root of the files read; [Root] if nil.
	FS fs.FS
}

// CPU holds the time of the processors that was used over a while against a
// share. It knows only what it was asked to look at, as [Metric].
type CPU struct {
	o    CPUOptions
	now  func() time.Time
	turn turn

	mu    sync.Mutex
	spent history // seconds
	count int     // of processors that make 100 %
}

// NewCPU makes a probe of the processors. Samples are of the time now.
func NewCPU(o CPUOptions, now func() time.Time) *CPU {
	if o.FS == nil {
		o.FS = Root()
	}
	return &CPU{o: o, now: now, turn: newTurn(), spent: history{per: o.Per}, count: 1}
}

// Every is how often the probe should be asked, as [Metric.Every].
func (c *CPU) Every() time.Duration { return max(c.o.Per/20, time.Second) }

// Probe reads once, twice where it is the first time, and judges with what it
// knows from before.
func (c *CPU) Probe(ctx context.Context) remediate.Observation {
	return ask(ctx, c.o.Name, c.o.Timeout, func(ctx context.Context) answer {
		if err := again(ctx, c.sample); err != nil {
			return unknown("cannot read the time of the processors: %v", err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.judge()
	})
}

func (c *CPU) sample(ctx context.Context) (samples int, err error) {
	if !c.turn.take(ctx) {
		return 0, ctx.Err()
	}
	defer c.turn.give()
	used, count, err := c.read()
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count = count
	c.spent.add(c.now(), used)
	return len(c.spent.readings), nil
}

func (c *CPU) read() (seconds float64, count int, err error) {
	if c.o.Of == "" {
		return processors(c.o.FS)
	}
	seconds, err = cpuTime(c.o.FS, c.o.Of)
	return seconds, 1, err
}

// judge holds the mean of the last while against the most. Before that is
// covered a short burst says nothing: too much so far is unknown.
func (c *CPU) judge() answer {
	readings := c.spent.readings
	if len(readings) < 2 {
		return unknown("there is one sample so far; a share takes two")
	}
	newest := readings[len(readings)-1]
	begin := newest.at.Add(-c.o.Per)
	if readings[0].at.Before(begin.Add(-c.o.Per)) && len(readings) > 2 {
		readings = readings[1:] // nobody looked for long: what was before says little
	}
	span := newest.at.Sub(readings[0].at)
	if span <= 0 {
		return unknown("there is one moment so far; a share takes two")
	}
	share := 100 * (newest.rise - readings[0].rise) / span.Seconds() / float64(c.count)
	if c.o.Of == "" {
		share = min(share, 100) // the kernel counts in ticks, and a busy host rounds up
	}
	switch {
	case share <= c.o.MaxPercent:
		return healthy("%s are used, over %s", percent(share), round(span))
	case readings[0].at.After(begin):
		return unknown("%s are used, over the %s seen so far; expected at most %s over %s", percent(share), round(span), percent(c.o.MaxPercent), c.o.Per)
	}
	return unhealthy("%s are used, over %s; expected at most %s", percent(share), round(span), percent(c.o.MaxPercent))
}
