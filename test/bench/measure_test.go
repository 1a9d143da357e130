package main

import (
	"math"
	"testing"
)

func TestQuantilesAreByNearestRank(t *testing.T) {
	hundred := make([]float64, 100)
	for n := range hundred {
		hundred[99-n] = float64(n + 1)
	}
	for _, c := range []struct {
		of   []float64
		q    float64
		want float64
	}{
		{hundred, 0.50, 50}, {hundred, 0.99, 99}, {hundred, 1, 100}, {hundred, 0, 1},
		{[]float64{7}, 0.99, 7}, {[]float64{3, 1, 2}, 0.5, 2},
	} {
		if got := quantile(c.of, c.q); got != c.want {
			t.Errorf("quantile %g of %d values is %g, want %g", c.q, len(c.of), got, c.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %g, want NaN", got)
	}
}

func TestARatioIsThatOfTheTurnsAndNotOfTheMedians(t *testing.T) {
	r := turns{ours: []float64{10, 40, 90}, floor: []float64{10, 20, 30}}.row("x", "ms", "floor")
	if r.Ours != 40 || *r.Floor != 20 || *r.Ratio != 2 {
		t.Errorf("ours %g, floor %g, ratio %g; want 40, 20 and 2", r.Ours, *r.Floor, *r.Ratio)
	}
	if !*r.ratioAtMost(2).Met || *r.ratioAtLeast(2.1).Met || *r.atMost(39).Met {
		t.Error("an aim is judged wrongly")
	}
}

func TestBothSidesGoFirstAsOften(t *testing.T) {
	order := ""
	add := func(s string) func() error { return func() error { order += s; return nil } }
	if err := alternate(4, add("a"), add("b")); err != nil || order != "abbaabba" {
		t.Errorf("the order was %s (%v), want abbaabba", order, err)
	}
}
