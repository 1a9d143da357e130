package simulate

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// dice throws the dice of one world. Each thing in it has a die of its own, so that
// what happens to one does not hang on how often another was asked.
type dice struct {
	seed uint64
	mu   sync.Mutex
	of   map[string]*rand.Rand
}

func newDice(seed uint64) *dice { return &dice{seed: seed, of: map[string]*rand.Rand{}} }

// roll calls f with the die of a thing.
func (d *dice) roll(what string, f func(*rand.Rand)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	die := d.of[what]
	if die == nil {
		sum := fnv.New64a()
		sum.Write([]byte(what))
		die = rand.New(rand.NewPCG(d.seed, sum.Sum64()))
		d.of[what] = die
	}
	f(die)
}

// chance reports whether something of that probability happens.
func (d *dice) chance(what string, p float64) (yes bool) {
	d.roll(what, func(r *rand.Rand) { yes = r.Float64() < p })
	return yes
}

// number is one of 0 to n-1.
func (d *dice) number(what string, n int) (k int) {
	d.roll(what, func(r *rand.Rand) { k = r.IntN(n) })
	return k
}

// between is a duration of that range, to the nanosecond: two things hardly ever
// happen at one instant, so their order is the seed's.
func (d *dice) between(what string, least, most time.Duration) (t time.Duration) {
	d.roll(what, func(r *rand.Rand) { t = least + time.Duration(r.Int64N(int64(most-least)+1)) })
	return t
}

// about is a pause whose mean is that, as between things that know nothing of each
// other; at most eight times as long.
func (d *dice) about(what string, mean time.Duration) (t time.Duration) {
	d.roll(what, func(r *rand.Rand) {
		t = time.Duration(math.Min(r.ExpFloat64(), 8) * float64(mean))
	})
	return t + time.Nanosecond
}

// pick is one of several.
func pick[T any](d *dice, what string, of ...T) T { return of[d.number(what, len(of))] }

// Read gives random bytes for names.
func (d *dice) Read(p []byte) (int, error) {
	d.roll("names", func(r *rand.Rand) {
		for n := range p {
			p[n] = byte(r.Uint32())
		}
	})
	return len(p), nil
}
