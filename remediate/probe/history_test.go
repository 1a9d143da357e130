package probe

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/remediate"
)

// begin is when every history of these tests begins.
var begin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// sample is a value of a counter, so long after begin.
type sample struct {
	after time.Duration
	value float64
}

func historyOf(samples ...sample) *history {
	h := &history{per: 5 * time.Minute}
	for _, s := range samples {
		h.add(begin.Add(s.after), s.value)
	}
	return h
}

func TestAHistoryJudgesHowACounterRose(t *testing.T) {
	const most = 10
	for name, c := range map[string]struct {
		samples []sample
		want    remediate.Health
		detail  string
	}{
		"one sample is unknown": {
			[]sample{{0, 100}}, remediate.Unknown, "there is one sample so far; a rise takes two",
		},
		"no rise over the whole span is healthy": {
			[]sample{{0, 100}, {5 * time.Minute, 100}}, remediate.Healthy, "it rose by 0 in 5m0s",
		},
		"as much as may be is healthy": {
			[]sample{{0, 100}, {5 * time.Minute, 110}}, remediate.Healthy, "it rose by 10 in 5m0s",
		},
		"more is unhealthy": {
			[]sample{{0, 100}, {5 * time.Minute, 111}}, remediate.Unhealthy, "it rose by 11 in 5m0s, expected at most 10 in 5m0s",
		},
		"more is unhealthy at once": {
			[]sample{{0, 100}, {time.Second, 111}}, remediate.Unhealthy, "it rose by 11 in 1s, expected at most 10 in 5m0s",
		},
		"a slow rise is healthy before the span is covered": {
			[]sample{{0, 100}, {time.Minute, 102}}, remediate.Healthy, "it rose by 2 in the 1m0s seen so far",
		},
		"a fast rise is unknown before the span is covered": {
			[]sample{{0, 100}, {time.Minute, 103}}, remediate.Unknown,
			"it rose by 3 in the 1m0s seen so far: too fast, if it goes on, for 10 in 5m0s",
		},
		"what was before the span is forgotten": {
			[]sample{{0, 0}, {time.Minute, 500}, {2 * time.Minute, 500}, {8 * time.Minute, 501}}, remediate.Healthy, "it rose by 1 in 5m0s",
		},
		"a rise that may lie before the span is unknown": {
			[]sample{{0, 0}, {time.Hour, 500}}, remediate.Unknown, "it rose by 500 in 1h0m0s, nobody knows when",
		},
		"a small rise over more than the span is healthy": {
			[]sample{{0, 0}, {time.Hour, 10}}, remediate.Healthy, "it rose by 10 in 5m0s",
		},
		"a quiet minute tells when most of the rise lies outside": {
			[]sample{{0, 0}, {time.Hour, 500}, {time.Hour + time.Minute, 501}}, remediate.Healthy, "it rose by 1 in the 1m0s seen so far",
		},
		"a counter that begins anew is unknown": {
			[]sample{{0, 100}, {time.Minute, 101}, {2 * time.Minute, 5}}, remediate.Unknown, "there is one sample so far; a rise takes two",
		},
		"and then counts from there": {
			[]sample{{0, 100}, {time.Minute, 5}, {6 * time.Minute, 6}}, remediate.Healthy, "it rose by 1 in 5m0s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := historyOf(c.samples...).judge(most); got != (answer{c.want, c.detail}) {
				t.Errorf("got %s: %q, want %s: %q", got.health, got.detail, c.want, c.detail)
			}
		})
	}
}

func TestAnExcuseCoversOneRiseAndOnlyForAMoment(t *testing.T) {
	for name, c := range map[string]struct {
		excuses int
		later   sample
		want    float64
	}{
		"the counter counted it":        {1, sample{0, 1}, 0},
		"and something else":            {1, sample{0, 3}, 2},
		"each question has its own":     {2, sample{0, 2}, 0},
		"the counter did not count it":  {1, sample{0, 0}, 0},
		"the counter counted it late":   {1, sample{excuseLasts, 1}, 0},
		"what rises later is no excuse": {1, sample{excuseLasts + 1, 1}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := historyOf(sample{0, 0})
			for range c.excuses {
				h.excuse(begin)
			}
			h.add(begin.Add(c.later.after), c.later.value)
			if got := h.readings[len(h.readings)-1].rise; got != c.want {
				t.Errorf("rose by %v, want %v", got, c.want)
			}
		})
	}
}

func TestAnExcuseIsNotKeptForAnotherLifeOfTheCounter(t *testing.T) {
	h := historyOf(sample{0, 5})
	h.excuse(begin)
	h.add(begin, 0)
	h.add(begin, 1)
	if got := h.readings[len(h.readings)-1].rise; got != 1 {
		t.Errorf("rose by %v, want 1", got)
	}
}

// TestAHistoryIsBoundedAndNeverWrong asks at any times about a counter whose
// every rise is known, as far as two looks can place it.
func TestAHistoryIsBoundedAndNeverWrong(t *testing.T) {
	looks := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sample {
		pause := rapid.SampledFrom([]time.Duration{0, time.Millisecond, 50 * time.Millisecond, time.Second, 20 * time.Second, 2 * time.Minute})
		return sample{pause.Draw(t, "pause"), float64(rapid.IntRange(0, 4).Draw(t, "rise"))}
	}), 1, 60)
	rapid.Check(t, func(t *rapid.T) {
		h, most := &history{per: time.Minute}, 10.0
		now, value := begin, 0.0
		var seen []reading // each rise, at the look that found it
		for _, look := range looks.Draw(t, "looks") {
			now, value = now.Add(look.after), value+look.value
			seen = append(seen, reading{now, look.value})
			h.add(now, value)
			least, greatest := riseWithin(seen, now.Add(-h.per), h.per/perReadings)
			switch got := h.judge(most); {
			case len(h.readings) > perReadings+3:
				t.Fatalf("%d readings", len(h.readings))
			case got.health == remediate.Unhealthy && greatest <= most:
				t.Fatalf("it rose by at most %v: %s", greatest, got.detail)
			case got.health == remediate.Healthy && least > most:
				t.Fatalf("it rose by at least %v: %s", least, got.detail)
			}
		}
	})
}

// riseWithin bounds how much a counter rose from begin on: what was found by two
// looks after it certainly did, what was found by one may have. The first look
// finds no rise. Looks that are closer to each other than two readings are told
// apart by none, so the begin is known as well as that and no better.
func riseWithin(seen []reading, begin time.Time, clear time.Duration) (least, greatest float64) {
	for i := 1; i < len(seen); i++ {
		if seen[i].at.After(begin.Add(-clear)) {
			greatest += seen[i].rise
		}
		if seen[i-1].at.After(begin.Add(2 * clear)) {
			least += seen[i].rise
		}
	}
	return least, greatest
}

func TestAHistoryThatIsAskedAllTheTimeStaysSmall(t *testing.T) {
	h := &history{per: time.Minute}
	for i := range 100_000 {
		h.add(begin.Add(time.Duration(i)*time.Millisecond), float64(i))
	}
	if got := len(h.readings); got > perReadings+3 {
		t.Errorf("%d readings", got)
	}
	// It rose by 60,000 in the last minute, and by 118 more between two readings.
	if got := h.judge(60_000 - 240); got.health != remediate.Unhealthy {
		t.Error(got.detail)
	}
	if got := h.judge(60_000 + 240); got.health != remediate.Healthy {
		t.Error(got.detail)
	}
}
