package remediate

import (
	"testing"
	"time"
)

// What counts as a failure of a thing and of a playbook: each case is the attempts
// in the order in which they were made.
func TestWhatABreakerCounts(t *testing.T) {
	vm := VM("rave")
	start := Instant{Wall: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), Boot: "b1", Up: 100 * time.Hour}
	type attempt struct {
		incident ID
		outcome  Outcome
	}
	for what, c := range map[string]struct {
		made []attempt
		want int
	}{
		"nothing":                                    {nil, 0},
		"a ladder whose last rung fixed it":          {[]attempt{{"A", NotFixed}, {"A", NotFixed}, {"A", Fixed}}, 0},
		"a ladder that is exhausted":                 {[]attempt{{"A", NotFixed}, {"A", NotFixed}, {"A", NotFixed}}, 1},
		"two in a row":                               {[]attempt{{"A", NotFixed}, {"B", NotFixed}}, 2},
		"one success in between wipes nothing":       {[]attempt{{"A", NotFixed}, {"B", Fixed}, {"C", Inconclusive}}, 2},
		"nor one after":                              {[]attempt{{"A", NotFixed}, {"B", NotFixed}, {"C", Fixed}}, 2},
		"two successes do":                           {[]attempt{{"A", NotFixed}, {"B", Fixed}, {"C", Fixed}, {"D", NotFixed}}, 1},
		"what was never verified says nothing":       {[]attempt{{"A", NotFixed}, {"B", ""}}, 1},
		"two successes of one incident are only one": {[]attempt{{"A", NotFixed}, {"B", Fixed}, {"B", Fixed}, {"C", NotFixed}}, 2},
	} {
		t.Run(what, func(t *testing.T) {
			l, at := NewLedger(), start
			for n, a := range c.made {
				at = at.Add(time.Minute)
				l.Attempts = append(l.Attempts, Attempt{
					On: vm, Playbook: "vm-down", Incident: a.incident, Rung: n, At: at, Ended: at, Outcome: a.outcome,
				})
			}
			if got, _ := l.Failures(vm, "", 24*time.Hour, at); got != c.want {
				t.Errorf("%d failures of the machine, expected %d", got, c.want)
			}
			if got, _ := l.Failures(Target{}, "vm-down", 24*time.Hour, at); got != c.want {
				t.Errorf("%d failures of the playbook, expected %d", got, c.want)
			}
		})
	}
}

// An incident that people handed back after a reboot, with a wall clock that went back
// meanwhile, fails like any other: what it tried was tried after it was opened.
func TestAnAttemptEndsWhateverTheClockWasSetTo(t *testing.T) {
	opened := Instant{Wall: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), Boot: "b1", Up: 100 * time.Hour}
	again := Instant{Wall: opened.Wall.AddDate(-10, 0, 0), Boot: "b2", Up: time.Hour}
	on := Unit("db.service")
	l, i := NewLedger(), &Incident{ID: "A", OpenedAt: opened}
	l.clock(opened)
	l.clock(again)
	for range 2 { // a crash in between: it is one attempt
		l.attempt(i, Event{At: again, Started: &Started{What: Step{Do: VerbRestart, On: on, Risk: Restart}}})
	}
	l.attemptsEnd(i, Event{At: again.Add(time.Minute), Verified: &Verified{Outcome: NotFixed}})
	if len(l.Attempts) != 1 || l.Attempts[0].Outcome != NotFixed {
		t.Errorf("%+v, expected one that did not fix it", l.Attempts)
	}
	if failed, _ := l.Failures(on, "", 6*time.Hour, again.Add(2*time.Minute)); failed != 1 {
		t.Errorf("%d failures, expected 1", failed)
	}
}
