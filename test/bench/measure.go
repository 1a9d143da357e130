package main

import (
	"math"
	"slices"
	"time"
)

// turns are what both sides came to, turn by turn.
type turns struct{ ours, floor []float64 }

// row tells the medians.
func (t turns) row(what, unit, beside string) row {
	r := row{What: what, Unit: unit, Ours: median(t.ours)}
	if len(t.floor) == 0 {
		return r
	}
	var ratios []float64
	for n := range min(len(t.ours), len(t.floor)) {
		ratios = append(ratios, t.ours[n]/t.floor[n])
	}
	floor, ratio := median(t.floor), median(ratios)
	r.Floor, r.Ratio, r.Beside = &floor, &ratio, beside
	return r
}

// alternate has both sides take turns, and each go first as often as the other:
// what a turn leaves behind for the next falls on both.
func alternate(rounds int, ours, floor func() error) error {
	for n := range rounds {
		a, b := ours, floor
		if n%2 == 1 {
			a, b = floor, ours
		}
		if err := a(); err != nil {
			return err
		}
		if err := b(); err != nil {
			return err
		}
	}
	return nil
}

// median is the middle one, NaN of none.
func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile is the value that a share q of all does not exceed (nearest rank).
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

// quick and slow are the 50th and the 99th percentile, in milliseconds.
func quick(took []time.Duration) float64 { return quantile(inMS(took), 0.50) }
func slow(took []time.Duration) float64  { return quantile(inMS(took), 0.99) }

func inMS(took []time.Duration) []float64 {
	values := make([]float64, len(took))
	for n, d := range took {
		values[n] = ms(d)
	}
	return values
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
