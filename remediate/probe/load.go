package probe

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/remediate"
)

// Load knows which units used the processors in the last while. It is asked for
// a sample every now and then, [Load.Every] says how often; whoever needs an
// answer before there are two waits for the second.
type Load struct {
	root fs.FS
	span time.Duration
	now  func() time.Time
	turn turn

	mu      sync.Mutex
	samples []loadSample
}

// loadSample is what was used until a time, in seconds.
type loadSample struct {
	at    time.Time
	busy  float64
	units map[string]float64
}

// NewLoad makes a Load of this host, or of a tree that looks like one, that looks over
// so long: the window of a verification, so that a burst makes nobody the busiest.
func NewLoad(root fs.FS, span time.Duration, now func() time.Time) *Load {
	if root == nil {
		root = Root()
	}
	return &Load{root: root, span: span, now: now, turn: newTurn()}
}

// Every is how often a sample should be taken.
func (l *Load) Every() time.Duration { return l.span / 12 }

// Sample takes one; it reports how many there are.
func (l *Load) Sample(ctx context.Context) (samples int, err error) {
	if !l.turn.take(ctx) {
		return 0, ctx.Err()
	}
	defer l.turn.give()
	busy, _, err := processors(l.root)
	if err != nil {
		return 0, err
	}
	units, err := timeOfUnits(l.root)
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.now()
	l.samples = append(l.samples, loadSample{at, busy, units})
	for len(l.samples) > 2 && l.samples[1].at.Before(at.Add(-l.span)) {
		l.samples = l.samples[1:]
	}
	return len(l.samples), nil
}

// used is what one unit used, in processors.
type used struct {
	unit       string
	processors float64
}

// shares are what the units used in the last while, the most first, and what all
// of the host did.
func (l *Load) shares(ctx context.Context) (units []used, all float64, span time.Duration, err error) {
	if err := again(ctx, l.Sample); err != nil {
		return nil, 0, 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	first, last := l.samples[0], l.samples[len(l.samples)-1]
	span = last.at.Sub(first.at)
	if span <= 0 {
		return nil, 0, 0, fmt.Errorf("there is one sample so far; a share takes two")
	}
	for unit, now := range last.units {
		since := now - first.units[unit]
		if since < 0 { // it began anew in between
			since = now
		}
		units = append(units, used{unit, since / span.Seconds()})
	}
	slices.SortFunc(units, func(a, b used) int {
		return cmp.Or(cmp.Compare(b.processors, a.processors), strings.Compare(a.unit, b.unit))
	})
	return units, max(last.busy-first.busy, 0) / span.Seconds(), span, nil
}

// leastBusy is what a unit must use to stand out at all, in processors.
const leastBusy = 0.25

// Busiest is the unit that used at least half of what the processors were busy
// with, and a quarter of one of them, if it is one to act on. What is known tells
// those: where somebody else stands out, nobody is named.
func (l *Load) Busiest(ctx context.Context, known func(unit string) bool) remediate.Busy {
	units, all, span, err := l.shares(ctx)
	switch {
	case err != nil:
		return remediate.Busy{Why: "cannot tell who uses the processors: " + remediate.Brief(err.Error())}
	case len(units) == 0 || units[0].processors < leastBusy || 2*units[0].processors < all:
		return remediate.Busy{Why: "no unit uses half of what the processors are busy with: " + table3(units)}
	}
	top := units[0]
	seen := fmt.Sprintf("%s uses %s of a processor, over %s", remediate.Printable(top.unit), percent(100*top.processors), round(span))
	if !known(top.unit) {
		return remediate.Busy{Why: seen + ", and is none of the inventory"}
	}
	return remediate.Busy{Unit: top.unit, Why: seen}
}

// table3 are the first three in a sentence.
func table3(units []used) string {
	words := []string{}
	for _, u := range units[:min(3, len(units))] {
		words = append(words, fmt.Sprintf("%s %s", remediate.Printable(u.unit), percent(100*u.processors)))
	}
	return strings.Join(words, ", ")
}

// See answers [remediate.SeeCPU]: what uses the processors, by unit.
func (l *Load) See(ctx context.Context, look remediate.Look) remediate.Evidence {
	seen := remediate.Evidence{Look: look}
	units, all, span, err := l.shares(ctx)
	if err != nil {
		seen.Error = "cannot tell who uses the processors: " + remediate.Brief(err.Error())
		return seen
	}
	count := look.Count
	if count <= 0 {
		count = defaultCount
	}
	var lines strings.Builder
	fmt.Fprintf(&lines, "%10s  all, of one processor, over %s\n", percent(100*all), round(span))
	for _, u := range units[:min(count, maxCount, len(units))] {
		fmt.Fprintf(&lines, "%10s  %s\n", percent(100*u.processors), remediate.Printable(u.unit))
	}
	seen.Text = lines.String()
	return seen
}
