package simulate

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	hours = flag.Float64("hours", 0, "simulate so many hours, and say what happened")
	seed  = flag.Uint64("seed", 0, "the first world's seed; 0 takes one of the clock's")
	full  = flag.Bool("full", true, "fail where a reason code never came up")
)

// worldHours is how long one world goes on: long enough for windows of a day to
// slide.
const worldHours = 30

// run lets worlds be until so many hours of virtual time are over, as many at once
// as there are processors. The n-th has the seed first+n.
func run(t *testing.T, first uint64, length time.Duration, out io.Writer) {
	total, left := newCounts(), length
	var plans []time.Duration
	for ; left > 0; left -= worldHours * time.Hour {
		plans = append(plans, max(min(left, worldHours*time.Hour), peace+time.Hour))
	}
	var next, breaches atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(plans)) {
		workers.Go(func() {
			for n := int(next.Add(1) - 1); n < len(plans) && breaches.Load() == 0; n = int(next.Add(1) - 1) {
				counts, found := live(t, first+uint64(n), plans[n])
				total.plus(counts)
				if found == nil {
					continue
				}
				breaches.Add(1)
				t.Errorf("world %d broke an invariant; again: make simulate HOURS=%.2f SEED=%d\n%s", n, plans[n].Hours(), first+uint64(n), found)
			}
		})
	}
	workers.Wait()
	fmt.Fprintf(out, "world_hours=%.1f breaches=%d seed=%d worlds=%d\n", total.hours.Hours(), breaches.Load(), first, len(plans))
	total.print(out)
	all, err := Reasons()
	if err != nil {
		t.Fatal(err)
	}
	if missing := total.never(all); *full && length >= 100*time.Hour && len(missing) > 0 && breaches.Load() == 0 {
		t.Errorf("these reasons never came up: %v", missing)
	}
}

// live lets one world be.
func live(t *testing.T, seed uint64, length time.Duration) (c *counts, found *breach) {
	t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
		synctest.Test(t, func(*testing.T) {
			w := newWorld(seed)
			found = w.lives(length)
			w.count.hours = time.Since(w.began)
			c = w.count
		})
	})
	return c, found
}

// TestSimulation is `make simulate`; without hours it is a short run of a few fixed
// seeds.
func TestSimulation(t *testing.T) {
	if *hours == 0 {
		for first := range uint64(3) { // short worlds: under the race detector a long one takes minutes
			run(t, 1+first, 3*time.Hour, io.Discard)
		}
		return
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano()) % 1_000_000 // to be typed by a person
	}
	run(t, *seed, time.Duration(*hours*float64(time.Hour)), os.Stdout)
}

// TestReasons holds the list of reasons to be found at all.
func TestReasons(t *testing.T) {
	all, err := Reasons()
	if err != nil || len(all) < 30 {
		t.Errorf("found %d reasons (%v): %v", len(all), err, all)
	}
}
