package probe

import "time"

// history is what is known of how a counter rose. It is pure: the caller brings
// the values and their times.
type history struct {
	per      time.Duration
	last     float64   // the counter itself, at the newest reading
	readings []reading // by time
	// excused is how much of a rise until excuseEnds is not the service's fault.
	excused    float64
	excuseEnds time.Time
}

// reading is by how much a counter had risen at a time, since the first reading.
type reading struct {
	at   time.Time
	rise float64
}

// perReadings is how many readings a history keeps for its span, and three more:
// one before it, one at its begin, the newest. Their spacing is how exactly the
// begin of the span is known.
const perReadings = 512

// excuseLasts is how long after an error was provoked the counter may take to
// count it: a service may count when it has answered.
const excuseLasts = time.Second

// add takes a value of the counter. One that is less than the last says that the
// counter began anew, and what was known is about another life of the service.
func (h *history) add(at time.Time, value float64) {
	if len(h.readings) == 0 || value < h.last {
		h.last, h.excused = value, 0
		h.readings = []reading{{at: at}}
		return
	}
	next := reading{at, h.readings[len(h.readings)-1].rise + h.counted(at, value-h.last)}
	h.last = value
	if n := len(h.readings); n > 1 && h.readings[n-1].at.Sub(h.readings[n-2].at) < h.per/perReadings {
		h.readings[n-1] = next // the last one was too close to the one before to be kept
	} else {
		h.readings = append(h.readings, next)
	}
	h.forget(at.Add(-h.per))
}

// counted takes from a rise what is excused.
func (h *history) counted(at time.Time, rise float64) float64 {
	if at.After(h.excuseEnds) {
		h.excused = 0
	}
	excused := min(h.excused, rise)
	h.excused -= excused
	return rise - excused
}

// excuse keeps one error out of the count, if the counter counts it at all.
func (h *history) excuse(at time.Time) {
	h.excused++
	h.excuseEnds = at.Add(excuseLasts)
}

// forget drops the readings before begin, except for the last of them: it tells
// what had been before the span.
func (h *history) forget(begin time.Time) {
	for len(h.readings) > 1 && !h.readings[1].at.After(begin) {
		h.readings = h.readings[1:]
	}
}

// judge says whether the counter rose by more than most within the last span.
//
// The true rise lies between that from the first reading inside the span and
// that from the last one before it. If the smaller of them is too much, it is
// too much; if the larger is not, it is not. In between, and before the span is
// covered, the rate inside the span is taken for all of it: that is good enough
// to call a counter healthy which hardly rises, as every verification goes on
// looking, and not good enough to blame a service for errors not yet seen.
func (h *history) judge(most float64) answer {
	if len(h.readings) < 2 {
		return unknown("there is one sample so far; a rise takes two")
	}
	newest := h.readings[len(h.readings)-1]
	first, covered := h.inside(newest.at.Add(-h.per))
	inside, span := newest.rise-first.rise, newest.at.Sub(first.at)
	outside := newest.rise - h.readings[0].rise
	switch {
	case inside > most:
		return unhealthy("it rose by %.4g in %s, expected at most %.4g in %s", inside, round(span), most, h.per)
	case covered && outside <= most:
		return healthy("it rose by %.4g in %s", outside, h.per)
	case span == 0:
		return unknown("it rose by %.4g in %s, nobody knows when", outside, round(newest.at.Sub(h.readings[0].at)))
	case inside*h.per.Seconds()/span.Seconds() <= most:
		return healthy("it rose by %.4g in the %s seen so far", inside, round(span))
	}
	return unknown("it rose by %.4g in the %s seen so far: too fast, if it goes on, for %.4g in %s", inside, round(span), most, h.per)
}

// inside is the first reading of a span, and whether one is before it or just at
// its begin.
func (h *history) inside(begin time.Time) (first reading, covered bool) {
	covered = !h.readings[0].at.After(begin)
	for _, r := range h.readings {
		if !r.at.Before(begin) {
			return r, covered
		}
	}
	return h.readings[len(h.readings)-1], covered
}

// round shortens a span to what people read.
func round(span time.Duration) time.Duration {
	if span < time.Second {
		return span.Round(time.Millisecond)
	}
	return span.Round(time.Second)
}
