package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/alerts"
	. "nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/engine/enginetest"
)

// eventsOfARepair is how many events a repair by the second rung writes.
func eventsOfARepair(t *testing.T) (n int) {
	inBubble(t, func(r *rig) {
		r.repairs()
		n = len(r.log.Events())
	})
	return n
}

// repairs has the second rung mend the front.
func (r *rig) repairs() {
	r.breaks("app.service")
	r.deliver(down(alerts.Firing)) // fails when the engine dies of it
	r.after(6 * time.Minute)
}

// endsWell lets all of it end, and holds it to one act for each attempt.
func (r *rig) endsWell() {
	r.Helper()
	r.next-- // the message comes again: whether it was dealt with, the log says
	r.takes(down(alerts.Firing))
	r.after(5 * time.Minute)
	r.is(Resolved, ReasonFixed)
	r.did("restart db.service", "restart app.service")
	if _, err := r.log.Ledger(); err != nil {
		r.Fatalf("the log does not fit itself: %v\n%s", err, r.story())
	}
}

func TestACrashAtEveryEvent(t *testing.T) {
	for n := range eventsOfARepair(t) {
		for _, fate := range []enginetest.Fate{enginetest.DiesFirst, enginetest.DiesAfter} {
			for _, away := range []time.Duration{0, 3 * time.Minute} {
				t.Run(fmt.Sprintf("event %d, fate %d, away %s", n+1, fate, away), func(t *testing.T) {
					inBubble(t, func(r *rig) {
						r.log.Decide(func(at int, e Event) enginetest.Fate {
							if at == n+1 {
								return fate
							}
							return enginetest.Stored
						})
						r.repairs()
						r.restarts(away)
						r.endsWell()
					})
				})
			}
		}
	}
}

func TestACrashAtEveryEventAndADayLaterItIsOver(t *testing.T) {
	for n := range eventsOfARepair(t) {
		inBubble(t, func(r *rig) {
			r.log.Decide(func(at int, e Event) enginetest.Fate {
				if at == n+1 {
					return enginetest.DiesAfter
				}
				return enginetest.Stored
			})
			r.repairs()
			acts := len(r.world.Done())
			r.restarts(24 * time.Hour)
			for _, i := range r.all() {
				if i.State.Live() && i.State != Escalated {
					r.Fatalf("event %d: it is %s", n+1, i.State)
				}
			}
			if r.after(time.Hour); len(r.world.Done()) != acts {
				r.Fatalf("event %d: acted a day later", n+1)
			}
		})
	}
}

func TestAFailedAppendAtEveryEvent(t *testing.T) {
	for n := range eventsOfARepair(t) {
		for _, outage := range []time.Duration{time.Second, time.Minute} {
			t.Run(fmt.Sprintf("event %d for %s", n+1, outage), func(t *testing.T) {
				inBubble(t, func(r *rig) {
					var until time.Time
					acts := 0
					r.log.Decide(func(at int, e Event) enginetest.Fate {
						if at == n+1 && until.IsZero() {
							until, acts = time.Now().Add(outage), len(r.world.Done())
						}
						if time.Now().Before(until) {
							if e.Finished == nil && len(r.world.Done()) != acts {
								r.Errorf("acted while nothing could be recorded")
							}
							return enginetest.Refused
						}
						return enginetest.Stored
					})
					r.breaks("app.service")
					r.takes(down(alerts.Firing))
					r.after(9 * time.Minute)
					r.is(Resolved, ReasonFixed)
					r.did("restart db.service", "restart app.service")
				})
			})
		}
	}
}

func TestWhatCameOfAStepIsNeverLost(t *testing.T) {
	// The log fails from the act on, and people and the clock knock meanwhile. The
	// world forgets that the act was tried, so that only the answer knows it.
	inBubble(t, func(r *rig) {
		r.breaks("")
		r.world.Change("db.service", func(u *enginetest.Unit) { u.Result = Failed })
		full := false
		r.log.Decide(func(_ int, e Event) enginetest.Fate {
			if full = full || e.Finished != nil; full {
				return enginetest.Refused
			}
			return enginetest.Stored
		})
		r.takes(down(alerts.Firing))
		r.after(20 * time.Minute)
		if _, err := r.Say(r.Context(), string(r.one().ID), Said{Verb: PersonCloses, Force: true}); err == nil {
			r.Error("it was closed though its step is not recorded")
		}
		r.after(20 * time.Minute)
		r.log.Decide(nil)
		r.after(time.Minute)
		if i := r.is(Escalated, ReasonDeadline); len(i.Tried) != 1 || len(i.Tried[0].Results) != 1 || i.Tried[0].Results[0].Result != Failed {
			r.Errorf("what came of the step is lost: %+v", i.Tried)
		}
		for _, e := range r.log.Events() {
			if e.Finished != nil && e.Finished.Recovered {
				r.Error("the world was asked what was known already")
			}
		}
	})
}

func TestAKillAroundTheEffect(t *testing.T) {
	for _, boundary := range []string{"step.started.before", "step.started.after", "step.effect.before", "step.effect.after", "step.finished.before", "step.finished.after"} {
		for n := 1; n <= 2; n++ {
			t.Run(fmt.Sprintf("%s:%d", boundary, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					r.start()
					defer func() { r.stop() }()
					r.killAt(boundary, n)
					r.repairs()
					r.restarts(2 * time.Second)
					r.endsWell()
				})
			})
		}
	}
}

func TestWhatWasAllowedBeforeACrashNeedsAFreshLook(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("db.service")
		release := r.world.Hang("see") // allowed, and not yet begun
		r.takes(down(alerts.Firing))
		r.is(Acting, "")
		r.log.Die()
		release()
		r.world.Says("front", Healthy)
		r.restarts(5 * time.Minute)
		r.after(time.Minute)
		r.is(Waiting, ReasonDisagrees)
		r.did()
	})
}

func TestAStopInTheMiddleOfAnAct(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("db.service")
		r.world.Change("db.service", func(u *enginetest.Unit) { u.Takes = 30 * time.Second })
		r.takes(down(alerts.Firing))
		r.after(10 * time.Second)
		began := time.Now()
		if err := r.stop(); err != nil {
			r.Fatal(err)
		}
		if took := time.Since(began); took > time.Second {
			r.Errorf("the stop took %s", took)
		}
		r.start()
		r.after(3 * time.Minute)
		r.is(Resolved, ReasonFixed)
		r.did("restart db.service")
	})
}

func TestAStopWhileAnActionHangs(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("db.service")
		release := r.world.Hang("do db.service")
		defer release()
		r.takes(down(alerts.Firing))
		began := time.Now()
		if err := r.stop(); err != nil {
			r.Fatal(err)
		}
		if took := time.Since(began); took > 10*time.Second {
			r.Errorf("the stop took %s", took)
		}
	})
}

func TestASecondWriterEndsTheEngineWithoutAnotherEffect(t *testing.T) {
	for n := range eventsOfARepair(t) {
		inBubble(t, func(r *rig) {
			acts := 0
			r.log.Decide(func(at int, _ Event) enginetest.Fate {
				if at == n+1 {
					acts = len(r.world.Done())
					return enginetest.DiesFirst
				}
				return enginetest.Stored
			})
			r.repairs()
			if err := r.stop(); !errors.Is(err, engine.ErrFenced) {
				r.Errorf("event %d: Run returned %v", n+1, err)
			}
			if len(r.world.Done()) != acts {
				r.Errorf("event %d: acted after it was fenced", n+1)
			}
			if err := r.deliver(down(alerts.Firing)); err == nil {
				r.Errorf("event %d: it takes alerts though it has ended", n+1)
			}
		})
	}
}
