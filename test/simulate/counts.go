package simulate

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"nightshift/remediate"
)

// counts are of all that happened; a run that never came to something proves
// nothing about it.
type counts struct {
	mu      sync.Mutex
	hours   time.Duration
	alerts  int
	effects int
	starts  int

	events, reasons, boundaries, crashes, words, happened, checks map[string]int
}

func newCounts() *counts {
	m := func() map[string]int { return map[string]int{} }
	return &counts{events: m(), reasons: m(), boundaries: m(), crashes: m(), words: m(), happened: m(), checks: m()}
}

func (c *counts) add(to map[string]int, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	to[what]++
}

func (c *counts) reason(r remediate.Reason) {
	if r != "" {
		c.add(c.reasons, string(r))
	}
}

// plus takes in the counts of another world, which is over.
func (c *counts) plus(o *counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hours += o.hours
	c.alerts += o.alerts
	c.effects += o.effects
	c.starts += o.starts
	for n, to := range c.maps() {
		for what, k := range o.maps()[n] {
			to[what] += k
		}
	}
}

func (c *counts) maps() []map[string]int {
	return []map[string]int{c.events, c.reasons, c.boundaries, c.crashes, c.words, c.happened, c.checks}
}

// print writes them, each kind in a paragraph.
func (c *counts) print(w io.Writer) {
	total := func(m map[string]int) (sum int) {
		for _, n := range m {
			sum += n
		}
		return sum
	}
	fmt.Fprintf(w, "alerts=%d events=%d effects=%d starts=%d crashes=%d (at %d of %d boundaries)\n",
		c.alerts, total(c.events), c.effects, c.starts, total(c.crashes), len(c.crashes), len(c.boundaries))
	for _, part := range []struct {
		name string
		of   map[string]int
	}{{"happened", c.happened}, {"people", c.words}, {"events", c.events}, {"invariants", c.checks}, {"reasons", c.reasons}} {
		fmt.Fprintf(w, "%s:\n", part.name)
		for _, what := range slices.Sorted(maps.Keys(part.of)) {
			fmt.Fprintf(w, "  %-28s %d\n", what, part.of[what])
		}
	}
}

// never are the reasons of a list that did not come up.
func (c *counts) never(of []remediate.Reason) (missing []remediate.Reason) {
	for _, r := range of {
		if c.reasons[string(r)] == 0 {
			missing = append(missing, r)
		}
	}
	return missing
}
