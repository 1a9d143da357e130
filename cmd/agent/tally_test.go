package main

import (
	"fmt"
	"testing"
	"time"

	"nightshift/remediate"
)

// busyWeek is the same repair again and again, and what else happens.
func busyWeek() []remediate.Event {
	var all []remediate.Event
	add := func(id string, shift time.Duration, events ...remediate.Event) {
		for _, e := range events {
			e.Incident = remediate.ID(id)
			e.At.Wall = e.At.Wall.Add(shift)
			if e.Opened != nil {
				opened := *e.Opened
				opened.Received.Wall = opened.Received.Wall.Add(shift)
				e.Opened = &opened
			}
			all = append(all, e)
		}
	}
	for n := range 7 {
		add(fmt.Sprintf("AAAA000%d", n), -time.Duration(7-n)*20*time.Hour, highMemory()...)
	}
	add("BBBB0000", -time.Hour, handedOver()[:11]...)
	add("CCCC0000", -30*time.Minute, highMemory()[0], remediate.Event{Type: remediate.IncidentJudged, At: after(2), Judged: &remediate.Judged{
		Verdict: remediate.Verdict{Decision: remediate.Refuse, Gate: "observe-only", Reason: "observe_only", Next: remediate.Observed},
	}}, remediate.Event{Type: remediate.IncidentEnded, At: after(2), Ended: &remediate.Ended{State: remediate.Observed, Reason: "observe_only"}})
	add("DDDD0000", -10*time.Minute, goingBack()...)
	all = append(all, remediate.Event{Type: remediate.HostFroze, At: after(0), Froze: &remediate.Freeze{By: "alice"}})
	return all
}

// tallied counts events.
func tallied(t *testing.T, since, now time.Time, events []remediate.Event) tally {
	t.Helper()
	c := newCounter(since, now)
	for _, e := range events {
		if e.At.Wall.Before(c.from()) {
			continue
		}
		if err := c.add(e); err != nil {
			t.Fatal(err)
		}
	}
	return c.done()
}

func TestThePageOfTheMorning(t *testing.T) {
	s, text := page()
	tellTally(s, tallied(t, noon.Add(-24*time.Hour), noon, busyWeek()), noon)
	golden(t, "history.golden", text.String())
}

func TestThePageOfAWeek(t *testing.T) {
	got := tallied(t, noon.Add(-week), noon, busyWeek())
	if got.Opened != 9 || got.Ended[remediate.Resolved] != 7 || got.ToFix.Count != 7 || got.ToFix.Median != 150*time.Second {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsFixedAgainAndAgainIsNamed(t *testing.T) {
	got := tallied(t, noon.Add(-time.Hour), noon, busyWeek()).Repeats
	const want = "grafana.service fixed 7 times this week: you are masking a fault"
	if len(got) != 1 || got[0].Sentence != want || got[0].Times != 7 {
		t.Errorf("%+v, want only %q: what was restarted in vain is not it", got, want)
	}
	if twice := tallied(t, noon.Add(-time.Hour), noon, busyWeek()[:2*len(highMemory())]).Repeats; len(twice) != 0 {
		t.Errorf("after two repairs: %+v, want nothing", twice)
	}
}

func TestAQuietNight(t *testing.T) {
	s, text := page()
	tellTally(s, tallied(t, noon.Add(-12*time.Hour), noon, nil), noon)
	golden(t, "history-quiet.golden", text.String())
}

func TestAnIncidentWhoseBeginningWasNotReadIsLeftOut(t *testing.T) {
	events := highMemory()[1:]
	for n := range events {
		events[n].Incident = "7K2M9QX4"
	}
	got := tallied(t, noon.Add(-24*time.Hour), noon.Add(time.Hour), events)
	if got.Opened != 0 || len(got.Ended) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestTheMiddleOfTimes(t *testing.T) {
	for _, c := range []struct {
		times       []time.Duration
		median, max time.Duration
	}{
		{nil, 0, 0}, {[]time.Duration{5}, 5, 5}, {[]time.Duration{9, 1}, 5, 9}, {[]time.Duration{9, 1, 3}, 3, 9},
	} {
		if got := spreadOf(c.times); got.Median != c.median || got.Max != c.max || got.Count != len(c.times) {
			t.Errorf("of %v: %+v", c.times, got)
		}
	}
}
