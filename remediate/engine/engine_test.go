package engine_test

import (
	"testing"
	"time"

	"nightshift/alerts"
	. "nightshift/remediate"
	"nightshift/remediate/engine/enginetest"
)

func TestAFullRepair(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("db.service")
		r.takes(down(alerts.Firing))
		r.after(4 * time.Minute)
		i := r.is(Resolved, ReasonFixed)
		r.did("restart db.service")
		if len(i.Tried) != 1 || !i.Gathered {
			r.Errorf("tried %d rungs, evidence %t", len(i.Tried), i.Gathered)
		}
	})
}

func TestTheLadderIsClimbedUntilARungFixesIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("app.service")
		r.takes(down(alerts.Firing))
		r.after(6 * time.Minute)
		r.is(Resolved, ReasonFixed)
		r.did("restart db.service", "restart app.service")
	})
}

func TestWhatCantBeFixedGoesToPeopleAndIsNoRestartStorm(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("")
		r.takes(down(alerts.Firing))
		for range 24 { // Alertmanager sends it again and again
			r.after(5 * time.Minute)
			r.takes(down(alerts.Firing))
		}
		r.is(Escalated, ReasonExhausted)
		r.did("restart db.service", "restart app.service", "restart web.service")
	})
}

func TestAThousandIdenticalAlertsAreOneIncident(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("db.service")
		many := make([]alerts.Alert, 1000)
		for n := range many {
			many[n] = down(alerts.Firing)
		}
		r.takes(many...)
		for range 10 {
			r.takes(many...)
		}
		r.after(4 * time.Minute)
		r.is(Resolved, ReasonFixed)
		r.did("restart db.service")
	})
}

func TestAStillFiringAlertAfterTheEndRestartsNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("db.service")
		r.takes(down(alerts.Firing))
		r.after(4 * time.Minute)
		first := r.is(Resolved, ReasonFixed)
		for range 12 {
			r.after(time.Minute)
			r.takes(down(alerts.Firing))
		}
		r.is(Resolved, ReasonFixed)
		r.after(10 * time.Minute) // its 15 minutes are over: the probes decide, and they are healthy
		if i := r.is(Waiting, ReasonDisagrees); i.Follows != first.ID {
			r.Errorf("it follows %q", i.Follows)
		}
		r.takes(down(alerts.Resolved))
		r.after(time.Minute)
		r.did("restart db.service")
		r.after(16 * time.Minute)
		if n := len(r.all()); n != 0 {
			r.Errorf("%d incidents are kept though all is over", n)
		}
	})
}

func TestItIsTakenUpAgainWithItsAttemptsSpent(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.config.Playbooks[0].Attempts = Attempts{Max: 1}
		r.Configure(r.config)
		r.breaks("db.service")
		r.takes(down(alerts.Firing))
		r.after(4 * time.Minute)
		r.is(Resolved, ReasonFixed)
		r.breaks("")
		r.after(15 * time.Minute)
		r.is(Escalated, "attempts_spent")
		r.did("restart db.service")
	})
}

func TestAlertsDuringAnAct(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("db.service")
		r.world.Change("db.service", func(u *enginetest.Unit) { u.Takes = 30 * time.Second })
		r.takes(down(alerts.Firing))
		r.is(Acting, "")
		for range 20 {
			r.after(time.Second)
			r.takes(down(alerts.Resolved))
			r.takes(down(alerts.Firing))
		}
		r.takes(down(alerts.Resolved))
		r.after(2 * time.Minute)
		r.is(Resolved, ReasonFixed)
		r.did("restart db.service")
	})
}

func TestResolvedWhileTheEvidenceIsTaken(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("db.service")
		release := r.world.Hang("see")
		defer release()
		r.takes(down(alerts.Firing))
		r.is(Acting, "")
		r.takes(down(alerts.Resolved))
		r.is(Waiting, ReasonAlertGone)
		r.after(time.Minute)
		r.did()
	})
}

func TestALogDoesNotGrowWhileNothingHappens(t *testing.T) {
	t.Run("healthy while it fires", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.takes(down(alerts.Firing))
			r.is(Waiting, ReasonDisagrees)
			r.silent(29 * time.Minute)
		})
	})
	t.Run("a unit that settles for ever", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.breaks("")
			r.world.Change("db.service", func(u *enginetest.Unit) { u.Settling = true })
			r.takes(down(alerts.Firing))
			r.is(Waiting, "settling")
			r.silent(29 * time.Minute)
			r.after(2 * time.Minute)
			r.is(Escalated, ReasonDeadline)
			r.did()
		})
	})
	t.Run("people have it", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.breaks("")
			r.frozen = &Freeze{By: "file"}
			r.takes(down(alerts.Firing))
			r.is(Escalated, "frozen")
			r.after(2 * time.Minute)
			r.silent(40 * time.Minute)
			r.takes(down(alerts.Firing))
			r.silent(2 * time.Hour)
			r.takes(down(alerts.Firing))
			r.world.Says("front", Healthy)
			r.takes(down(alerts.Resolved))
			r.after(3 * time.Minute)
			r.is(Cleared, ReasonHealthy)
		})
	})
}

func TestAPersonAtWorkIsLeftToIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("")
		r.world.Change("db.service", func(u *enginetest.Unit) { u.Settling = true })
		r.takes(down(alerts.Firing))
		r.after(10 * time.Second)
		r.world.Change("db.service", func(u *enginetest.Unit) { u.Settling, u.Starts = false, 7 })
		r.after(5 * time.Second)
		r.is(Verifying, "")
		r.after(4 * time.Minute)
		r.is(Escalated, ReasonPersonAtWork)
		r.did()
	})
	inBubble(t, func(r *rig) {
		r.breaks("")
		r.world.Change("db.service", func(u *enginetest.Unit) { u.Result = Canceled })
		r.takes(down(alerts.Firing))
		r.after(4 * time.Minute)
		r.is(Escalated, ReasonPersonAtWork)
		r.did()
	})
}

func TestAnActionThatHangs(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("app.service")
		release := r.world.Hang("do db.service")
		defer release()
		r.takes(down(alerts.Firing))
		r.after(DefaultStepTimeout + 8*time.Second)
		if i := r.is(Verifying, ""); i.Tried[0].Results[0].Result != TimedOut {
			r.Errorf("the receipt is %+v", i.Tried[0].Results)
		}
		r.after(6 * time.Minute)
		r.is(Resolved, ReasonFixed)
		r.did("restart db.service", "restart app.service")
	})
}

func TestAProbeThatHangs(t *testing.T) {
	inBubble(t, func(r *rig) {
		release := r.world.Hang("front")
		r.takes(down(alerts.Firing))
		r.after(2 * time.Minute)
		r.is(Escalated, ReasonUnknown) // what does not answer is unknown
		release()
		r.takes(down(alerts.Resolved))
		r.after(3 * time.Minute)
		r.is(Cleared, ReasonHealthy)
		r.did()
	})
}

func TestAUnitThatCantBeReadIsWaitedFor(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("db.service")
		release := r.world.Hang("db.service")
		r.takes(down(alerts.Firing))
		r.after(2 * time.Minute)
		r.is(Waiting, "unreadable")
		release()
		r.after(3 * time.Minute)
		r.is(Resolved, ReasonFixed)
	})
}

func TestTheDeadlineComesAlsoWhileSomethingHangs(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.config.Playbooks[0].Ladder[0].Do[0].Timeout = 2 * time.Hour
		r.Configure(r.config)
		r.breaks("db.service")
		r.world.Change("db.service", func(u *enginetest.Unit) { u.Takes = time.Hour })
		r.takes(down(alerts.Firing))
		r.after(30*time.Minute + 2*time.Second)
		if i := r.is(Escalated, ReasonDeadline); i.Intent == nil || len(i.Touching()) == 0 {
			r.Error("the step is under way still, and keeps its lock")
		}
		r.after(time.Hour)
		r.takes(down(alerts.Resolved))
		r.after(3 * time.Minute)
		if i := r.is(Cleared, ReasonHealthy); len(i.Tried[0].Results) != 1 {
			r.Error("what came of the step is lost")
		}
	})
}

func TestEvidenceThatIsTooLongIsKeptApart(t *testing.T) {
	inBubble(t, func(r *rig) {
		long := make([]byte, 10_000)
		for n := range long {
			long[n] = "abcdefgh\n"[n%9]
		}
		r.world.Shows(string(long))
		r.breaks("db.service")
		r.takes(down(alerts.Firing))
		r.after(time.Second)
		for _, e := range r.log.Events() {
			if e.Gathered == nil {
				continue
			}
			seen := e.Gathered.Evidence[0]
			if len(seen.Text) > 4096 || seen.Size != len(long) || r.log.Evidence(seen.Digest) != string(long) {
				r.Errorf("%d bytes in the event, size %d", len(seen.Text), seen.Size)
			}
			return
		}
		r.Error("no evidence was taken")
	})
}

func TestAnAnswerThatComesTooLateIsDropped(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("db.service")
		release := r.world.Hang("db.service")
		defer release()
		r.takes(down(alerts.Firing))
		r.after(30 * time.Second) // the gates are about to be asked, and the unit's state hangs
		n := len(r.log.Events())
		r.takes(down(alerts.Resolved))
		r.after(30 * time.Second)
		for _, e := range r.log.Events()[n:] {
			if e.Judged != nil {
				r.Errorf("it was judged though nobody asks any more\n%s", r.story())
			}
		}
		r.is(Waiting, ReasonAlertGone)
	})
}

func TestTheCursor(t *testing.T) {
	inBubble(t, func(r *rig) {
		counts := map[string]int{}
		r.count = func(result string) { counts[result]++ }
		r.restarts(0)
		r.takes(about("Nobody", "", alerts.Firing), about("Other", "", alerts.Firing))
		if p, err := r.Cursor(r.Context()); err != nil || p != (Position{Message: 1, Alert: 1}) {
			r.Errorf("%v %v", p, err)
		}
		r.next--
		r.takes(about("Nobody", "", alerts.Firing), about("Other", "", alerts.Firing))
		if counts["unmatched"] != 2 || counts["dropped"] != 2 {
			r.Errorf("%v", counts)
		}
		for range 998 {
			r.takes(about("Nobody", "", alerts.Firing))
		}
		if n := len(r.log.Events()); n != 0 {
			r.Errorf("%d events for alerts that open nothing", n)
		}
		r.takes(about("Nobody", "", alerts.Firing))
		if n := len(r.log.Events()); n != 1 {
			r.Errorf("%d events after a thousand messages; a restart would read them all again", n)
		}
		r.takes(about("Nobody", "", alerts.Firing))
		r.stop()
		if ledger, err := r.log.Ledger(); err != nil || ledger.Cursor.Message != 1001 {
			r.Errorf("the log's cursor is %v after a stop", ledger.Cursor)
		}
		r.start()
	})
}

func TestAFreezeThatComesWhileTheIntentIsWrittenIsHonoured(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.log.Decide(func(_ int, e Event) enginetest.Fate {
			if e.Started != nil {
				r.frozen = &Freeze{By: "file", Reason: "now"} // a disk that is slow leaves seconds for it
			}
			return enginetest.Stored
		})
		r.breaks("db.service")
		r.takes(down(alerts.Firing))
		r.after(3 * time.Minute)
		r.is(Escalated, "frozen")
		r.did()
	})
}
