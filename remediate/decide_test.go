package remediate_test

import (
	"strings"
	"testing"
	"time"

	"nightshift/alerts"
	. "nightshift/remediate"
)

func TestTheSecondRungFixesIt(t *testing.T) {
	l := begin(t, threeRungs()).wants(WantLook, 0).allowed()
	l.acts(Done).stays(Unhealthy).is(Open, "").wants(WantJudge, 0)
	if l.i.Rung != 1 || l.i.Touching() != nil {
		t.Fatalf("rung %d, touching %v; the second rung should be next and nothing locked", l.i.Rung, l.i.Touching())
	}
	l.judged(allow).wants(WantPrepare, 0).prepares(allow).wants(WantAct, 0)
	l.acts(Done).stays(Healthy).is(Resolved, ReasonFixed).wants(WantNothing, 0)
	if l.started() != 2 || len(l.i.Tried) != 2 || l.i.Tried[0].Outcome != NotFixed || l.i.Tried[1].Outcome != Fixed {
		t.Fatalf("tried %+v", l.i.Tried)
	}
}

func TestWhenNoRungFixesItPeopleGetIt(t *testing.T) {
	l := begin(t, threeRungs()).allowed().acts(Done).stays(Unhealthy)
	for range 2 {
		l.judged(allow).prepares(allow).acts(Done).stays(Unhealthy)
	}
	l.is(Escalated, ReasonExhausted).wants(WantProbe, time.Minute)
}

func TestHealthyForAMomentOnlyIsNotFixed(t *testing.T) {
	l := begin(t, threeRungs()).allowed().acts(Done).settles()
	l.probes(Healthy).after(10*time.Second).probes(Unhealthy).is(Open, "")
	if l.i.Rung != 1 {
		t.Fatalf("rung %d; the next one should be tried", l.i.Rung)
	}
}

func TestNotFixedIsSaidInTheNewestWords(t *testing.T) {
	l := begin(t, threeRungs()).allowed().acts(Done).settles().probes(Unhealthy).after(time.Minute)
	newest := seen(Unhealthy)
	newest[0].Detail = "otherwise"
	l.give(Input{Probed: newest}).is(Open, "")
	if v := l.log[len(l.log)-1].Verified; v == nil || !strings.Contains(v.Detail, "otherwise") {
		t.Errorf("the last event is %+v, want a verification that says what was seen last", v)
	}
}

func TestUnknownNeverClimbs(t *testing.T) {
	l := begin(t, threeRungs()).allowed().acts(Done).settles().probes(Unknown)
	for l.i.State == Verifying {
		l.after(l.want.At.Until(l.now)).probes(Unknown)
	}
	l.is(Escalated, ReasonInconclusive)
	if within := l.now.Since(noon); within > 4*time.Minute {
		t.Errorf("it took %s, longer than the verification may", within)
	}
}

func TestNothingIsDoneWithoutAnUnhealthyProbe(t *testing.T) {
	t.Run("unknown asks for 30 s, then people get it", func(t *testing.T) {
		l := begin(t, threeRungs()).looks(Unknown).is(Waiting, ReasonUnknown).wants(WantLook, 5*time.Second)
		for range 5 {
			l.after(5 * time.Second)
			l.silent(Input{Looked: &Looked{Observations: seen(Unknown), Verify: 1}}).wants(WantLook, 5*time.Second)
		}
		l.after(5*time.Second).looks(Unknown).is(Escalated, ReasonUnknown)
	})
	t.Run("healthy while it fires waits until it is resolved", func(t *testing.T) {
		l := begin(t, threeRungs()).looks(Healthy).is(Waiting, ReasonDisagrees)
		l.after(time.Minute).silent(Input{Looked: &Looked{Observations: seen(Healthy), Verify: 1}})
		l.hears(alerts.Resolved).wants(WantLook, 0).looks(Healthy).is(Cleared, ReasonHealthy)
	})
	t.Run("or until its deadline", func(t *testing.T) {
		l := begin(t, threeRungs()).looks(Healthy).after(29*time.Minute + 57*time.Second).looks(Healthy)
		l.wants(WantLook, 3*time.Second).after(3*time.Second).give(Input{Woken: true}).is(Escalated, ReasonDisagrees)
	})
	t.Run("healthy that turns bad is acted on", func(t *testing.T) {
		begin(t, threeRungs()).looks(Healthy).after(time.Minute).allowed()
	})
	if l := begin(t, threeRungs()).looks(Healthy).looks(Unknown); l.started() != 0 {
		t.Fatal("a step was started")
	}
}

func TestResolvedBeforeAnActMeansNoAct(t *testing.T) {
	at := map[string]func(*life) *life{
		"open":      func(l *life) *life { return l },
		"judged":    func(l *life) *life { return l.looks(Unhealthy) },
		"waiting":   func(l *life) *life { return l.looks(Unhealthy).judged(busy("BBBB2222")) },
		"gathering": func(l *life) *life { return l.looks(Unhealthy).judged(allow) },
		"preparing": func(l *life) *life { return l.looks(Unhealthy).judged(allow).give(Input{Gathered: &Gathered{}}) },
	}
	for name, here := range at {
		t.Run(name, func(t *testing.T) {
			l := here(begin(t, threeRungs())).hears(alerts.Resolved)
			l.prepares(allow).judged(allow).prepares(allow)
			if l.started() != 0 {
				t.Fatal("a step was started though the alert is gone")
			}
			l.looks(Unhealthy).is(Waiting, ReasonAlertGone)
			l.after(time.Minute).looks(Healthy).is(Cleared, ReasonHealthy)
		})
	}
	t.Run("in the middle of a rung the rest is left out", func(t *testing.T) {
		p := threeRungs()
		p.Ladder = []Rung{{Name: "all", Do: []Move{{Do: VerbRestart, On: Selector{What: WholeSite}}}}}
		l := begin(t, p).allowed().hears(alerts.Resolved).acts(Done).is(Verifying, "").stays(Healthy).is(Resolved, ReasonFixed)
		if l.started() != 1 {
			t.Fatalf("%d steps were started", l.started())
		}
	})
	t.Run("it fires again and is acted on", func(t *testing.T) {
		l := begin(t, threeRungs()).hears(alerts.Resolved).looks(Unhealthy).is(Waiting, ReasonAlertGone)
		l.hears(alerts.Firing).wants(WantLook, 0).allowed()
	})
	t.Run("one of two endpoints fires still", func(t *testing.T) {
		l := begin(t, threeRungs())
		other := Joined{Alert: alerts.Alert{Status: alerts.Firing, Fingerprint: "0000000000000002"}}
		l.apply(Event{Type: IncidentJoined, Incident: l.i.ID, At: l.now, Joined: &other})
		l.hears(alerts.Resolved).allowed()
	})
}

// busy is a verdict that waits for another incident.
func busy(on ID) Verdict { return Verdict{Decision: Wait, Gate: "busy", Reason: "busy", On: on} }

func TestAWaitIsRecordedOnce(t *testing.T) {
	t.Run("for another incident", func(t *testing.T) {
		l := begin(t, threeRungs()).looks(Unhealthy).judged(busy("BBBB2222")).is(Waiting, "busy").wants(WantRest, 30*time.Minute)
		l.after(time.Minute).give(Input{Look: true}).wants(WantLook, 0)
		l.silent(Input{Looked: &Looked{Observations: seen(Unhealthy), Verify: 1, Plan: l.plan}}).wants(WantJudge, 0)
		l.silent(Input{Judged: &Judgement{Verdict: busy("BBBB2222")}}).wants(WantRest, 29*time.Minute)
		l.judged(busy("CCCC3333")).judged(allow).is(Acting, "")
	})
	t.Run("for a time", func(t *testing.T) {
		settling := func(l *life) Verdict {
			return Verdict{Decision: Wait, Reason: "settling", Until: l.now.Add(2 * time.Second)}
		}
		l := begin(t, threeRungs()).looks(Unhealthy)
		l.judged(settling(l)).is(Waiting, "settling").wants(WantLook, 2*time.Second)
		for range 10 {
			l.after(2 * time.Second).silent(Input{Looked: &Looked{Observations: seen(Unhealthy), Verify: 1, Plan: l.plan}})
			l.silent(Input{Judged: &Judgement{Verdict: settling(l)}}).wants(WantLook, 2*time.Second)
		}
	})
	t.Run("a time behind the deadline is not waited for", func(t *testing.T) {
		l := begin(t, threeRungs()).looks(Unhealthy)
		l.judged(Verdict{Decision: Wait, Reason: "cooldown", Until: l.now.Add(time.Hour)}).is(Escalated, "cooldown")
	})
}

func TestRefusals(t *testing.T) {
	refuse := func(why Reason, next State) Verdict {
		return Verdict{Decision: Refuse, Gate: "g", Reason: why, Next: next, Detail: "d"}
	}
	begin(t, threeRungs()).looks(Unhealthy).judged(refuse("frozen", Escalated)).is(Escalated, "frozen")
	begin(t, threeRungs()).looks(Unhealthy).judged(refuse("observe_only", Observed)).is(Observed, "observe_only")
	begin(t, threeRungs()).looks(Unhealthy).judged(refuse("silenced", Suppressed)).is(Suppressed, "silenced")

	t.Run("directly before the effect", func(t *testing.T) {
		l := begin(t, threeRungs()).looks(Unhealthy).judged(allow).give(Input{Gathered: &Gathered{}})
		l.prepares(refuse("observe_only", Observed)).is(Observed, "observe_only")
		if l.started() != 0 {
			t.Fatal("a refused step was started")
		}
	})
	t.Run("after an act nothing ends quietly", func(t *testing.T) {
		l := begin(t, threeRungs()).allowed().acts(Done).stays(Unhealthy)
		l.judged(refuse("observe_only", Observed)).is(Escalated, "observe_only")
	})
	t.Run("a refusal is found again after a crash", func(t *testing.T) {
		l := begin(t, threeRungs()).looks(Unhealthy).judged(refuse("frozen", Escalated))
		l.crash(1, time.Second).is(Escalated, "frozen")
	})
}

func TestWhoOnlyObservesWakesNobody(t *testing.T) {
	observing := func() *life {
		l := begin(t, threeRungs())
		l.i.WatchOnly = true
		return l
	}
	l := observing()
	for range 7 { // unknown for longer than it is asked again
		l.looks(Unknown).after(5 * time.Second)
	}
	l.is(Observed, ReasonUnknown)
	observing().looks(Healthy).after(DefaultDeadline).give(Input{Woken: true}).is(Observed, ReasonDisagrees)
}

func TestALadderUnderWayGoesOnByItsProbes(t *testing.T) {
	// The step restarted Prometheus, which forgot since when the alert had held.
	l := begin(t, threeRungs()).allowed().acts(Done).hears(alerts.Resolved)
	l.stays(Unhealthy).is(Open, "").wants(WantJudge, 0).judged(allow).wants(WantPrepare, 0).prepares(allow)
	if l.started() != 2 {
		t.Fatal("the second rung was not tried")
	}
	l.acts(Done).stays(Healthy).is(Resolved, ReasonFixed)

	// A wait between the rungs changes nothing of it.
	l = begin(t, threeRungs()).allowed().acts(Done).hears(alerts.Resolved).stays(Unhealthy)
	l.judged(Verdict{Decision: Wait, Reason: "settling", Until: l.now.Add(time.Second)}).after(time.Second)
	l.looks(Unhealthy).wants(WantJudge, 0).judged(allow).prepares(allow)
	if l.started() != 2 {
		t.Fatal("the second rung was not tried after the wait")
	}
}

func TestAVerificationWithoutAnswersAsksNoFasterForThat(t *testing.T) {
	l := begin(t, threeRungs()).allowed().acts(Done).settles().give(Input{Probed: []Observation{}})
	l.wants(WantProbe, l.i.Playbook.Verify.Every)
}

func TestAPersonAtWorkMeansVerifyOnly(t *testing.T) {
	person := Verdict{Decision: Refuse, Reason: ReasonPersonAtWork, Next: Verifying}
	l := begin(t, threeRungs()).looks(Unhealthy).judged(person).is(Verifying, "")
	l.stays(Healthy).is(Cleared, ReasonHealthy)

	l = begin(t, threeRungs()).looks(Unhealthy).judged(person).stays(Unhealthy).is(Escalated, ReasonPersonAtWork)
	if l.started() != 0 {
		t.Fatal("a step was started")
	}

	// A canceled job is a person's too; the rung's rest is left out.
	l = begin(t, threeRungs()).allowed().acts(Canceled).is(Verifying, "").stays(Unhealthy).is(Escalated, ReasonPersonAtWork)
	if l.started() != 1 {
		t.Fatal("another step was started")
	}
	// Also after a crash in the verification.
	begin(t, threeRungs()).allowed().acts(Canceled).crash(0, time.Minute).stays(Unhealthy).is(Escalated, ReasonPersonAtWork)
}

func TestAStepThatComesToNothingEndsItsRung(t *testing.T) {
	p := threeRungs()
	p.Ladder = p.Ladder[:1]
	p.Ladder[0].Do = []Move{{Do: VerbRestart, On: Selector{What: WholeSite}}}
	for _, result := range []Result{Failed, TimedOut} {
		l := begin(t, p).allowed().acts(result).is(Verifying, "")
		if l.stays(Healthy).is(Resolved, ReasonFixed); l.started() != 1 {
			t.Errorf("%s: %d steps were started", result, l.started())
		}
	}
	l := begin(t, p).allowed().give(Input{Acted: &Acted{NotDone: true, Error: "refused by the bus"}}).is(Verifying, "")
	if got := l.i.Tried[0].Results[0]; got.Result != Failed || got.Detail != "refused by the bus" {
		t.Errorf("the receipt is %+v", got)
	}
}

func TestTheStepsOfARungComeInOrder(t *testing.T) {
	p := threeRungs()
	p.Ladder = []Rung{{Name: "all", Do: []Move{{Do: VerbRestart, On: Selector{What: WholeSite}}}}}
	l := begin(t, p).allowed()
	var order []string
	for l.i.State == Acting {
		order = append(order, l.i.Intent.What.On.Name)
		if got := len(l.i.Touching()); got != 3 {
			t.Fatalf("%d targets are locked; a rung locks all that it touches", got)
		}
		if l.acts(Done); l.i.State == Acting {
			l.wants(WantPrepare, 0).prepares(allow)
		}
	}
	if got := strings.Join(order, " "); got != "db.service app.service web.service" {
		t.Errorf("restarted %s", got)
	}
}

func TestAWaitInTheMiddleOfARungKeepsItsLock(t *testing.T) {
	p := threeRungs()
	p.Ladder = []Rung{{Name: "all", Do: []Move{{Do: VerbRestart, On: Selector{What: WholeSite}}}}}
	l := begin(t, p).allowed().acts(Done)
	l.prepares(Verdict{Decision: Wait, Reason: "settling", Until: l.now.Add(2 * time.Second)}).is(Waiting, "settling")
	if len(l.i.Touching()) == 0 {
		t.Fatal("what the rung touches is free though the rung is not over")
	}
	l.after(2*time.Second).looks(Unhealthy).wants(WantJudge, 0).judged(allow).wants(WantPrepare, 0).prepares(allow)
	if l.i.Intent == nil || l.i.Intent.Step != 1 {
		t.Fatalf("the second step should be under way, not %+v", l.i.Intent)
	}
}

func TestTheDeadline(t *testing.T) {
	late := 31 * time.Minute
	at := map[string]func(*life) *life{
		"open":      func(l *life) *life { return l },
		"waiting":   func(l *life) *life { return l.looks(Unhealthy).judged(busy("BBBB2222")) },
		"acting":    func(l *life) *life { return l.looks(Unhealthy).judged(allow) },
		"intent":    func(l *life) *life { return l.allowed() },
		"verifying": func(l *life) *life { return l.allowed().acts(Done) },
	}
	for name, here := range at {
		t.Run(name, func(t *testing.T) {
			here(begin(t, threeRungs())).after(late).give(Input{Woken: true}).is(Escalated, ReasonDeadline)
			here(begin(t, threeRungs())).crash(0, late).is(Escalated, ReasonDeadline)
			l := here(begin(t, threeRungs())).after(late)
			before := l.started()
			if l.prepares(allow).is(Escalated, ReasonDeadline); l.started() != before {
				t.Error("a step was started after the deadline")
			}
		})
	}
	t.Run("a step that ends afterwards is recorded", func(t *testing.T) {
		l := begin(t, threeRungs()).allowed().after(late).give(Input{Woken: true}).is(Escalated, ReasonDeadline)
		if len(l.i.Touching()) == 0 {
			t.Error("what the step touches is free though it is under way")
		}
		l.wants(WantReconcile, 0).acts(Done).is(Escalated, ReasonDeadline).wants(WantProbe, time.Minute)
		if l.i.Intent != nil || len(l.i.Tried[0].Results) != 1 || l.i.Touching() != nil {
			t.Errorf("intent %v, tried %+v", l.i.Intent, l.i.Tried)
		}
	})
	t.Run("a clock that was set back between two boots", func(t *testing.T) {
		l := begin(t, threeRungs()).looks(Healthy)
		l.now = Instant{Wall: noon.Wall.AddDate(-1, 0, 0), Boot: "b2", Up: time.Minute}
		l.give(Input{Again: true}).is(Escalated, ReasonDisagrees)
	})
	t.Run("a clock that was set back within a boot changes nothing", func(t *testing.T) {
		l := begin(t, threeRungs()).looks(Healthy).after(10 * time.Minute)
		l.now.Wall = l.now.Wall.AddDate(-1, 0, 0)
		l.silent(Input{Looked: &Looked{Observations: seen(Healthy), Verify: 1}}).is(Waiting, ReasonDisagrees)
	})
}

func TestWithoutALookThereIsNoEvidence(t *testing.T) {
	p := threeRungs()
	p.Look = nil
	l := begin(t, p).looks(Unhealthy).judged(allow).wants(WantPrepare, 0).prepares(allow)
	for _, e := range l.log {
		if e.Gathered != nil {
			t.Error("a record of no evidence")
		}
	}
}

func TestApprovals(t *testing.T) {
	hold := Verdict{Decision: Hold, Reason: "approval_wanted"}
	held := func(t *testing.T) *life {
		return begin(t, threeRungs()).looks(Unhealthy).judged(hold).is(Held, "").wants(WantRest, 15*time.Minute)
	}
	t.Run("yes looks again, and asks the gates again", func(t *testing.T) {
		l := held(t).person(PersonApproves).wants(WantLook, 0).looks(Unhealthy).wants(WantJudge, 0)
		if l.i.Approved != l.plan.Rungs[0].Digest {
			t.Errorf("approved %q", l.i.Approved)
		}
		l.judged(allow).is(Acting, "")
	})
	t.Run("a yes holds for exactly that plan", func(t *testing.T) {
		l := held(t).person(PersonApproves)
		l.plan.Rungs, l.plan.Digest = l.plan.Rungs[1:], "another"
		if l.looks(Unhealthy); l.i.Approved != "" {
			t.Errorf("approved %q though the plan is another", l.i.Approved)
		}
	})
	t.Run("no", func(t *testing.T) {
		if l := held(t).person(PersonDenies).is(Declined, ReasonDenied); l.i.By != "ann" || l.i.Comment != "because" {
			t.Errorf("by %q: %q", l.i.By, l.i.Comment)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		held(t).after(15*time.Minute).give(Input{Woken: true}).is(Escalated, ReasonExpired)
	})
	t.Run("it mends itself", func(t *testing.T) {
		held(t).hears(alerts.Resolved).wants(WantLook, 0).looks(Healthy).is(Cleared, ReasonHealthy)
	})
	t.Run("it mends itself after a rung", func(t *testing.T) {
		l := begin(t, threeRungs()).allowed().acts(Done).stays(Unhealthy).judged(hold).is(Held, "")
		l.hears(alerts.Resolved).looks(Healthy).is(Verifying, "").stays(Healthy).is(Resolved, ReasonFixed)
	})
	t.Run("an answer nobody waits for", func(t *testing.T) {
		l := begin(t, threeRungs())
		for _, verb := range []string{PersonApproves, PersonDenies} {
			if _, _, err := l.decide(Input{Said: &Said{Verb: verb}}); err == nil {
				t.Errorf("%s fits an open incident", verb)
			}
		}
	})
}

func TestPeopleCloseAndHandBack(t *testing.T) {
	t.Run("close", func(t *testing.T) {
		begin(t, threeRungs()).person(PersonCloses).is(Closed, ReasonClosed).wants(WantNothing, 0)
	})
	t.Run("not during a step", func(t *testing.T) {
		l := begin(t, threeRungs()).allowed()
		if _, _, err := l.decide(Input{Said: &Said{Verb: PersonCloses}}); err == nil || !strings.Contains(err.Error(), "restart db.service is under way") {
			t.Errorf("close during a step: %v", err)
		}
	})
	t.Run("resume begins the ladder anew, with its attempts spent", func(t *testing.T) {
		l := begin(t, threeRungs()).allowed().acts(Done).settles().probes(Unknown).after(5 * time.Minute).probes(Unknown)
		l.is(Escalated, ReasonInconclusive).after(time.Hour).person(PersonResumes).is(Open, "").wants(WantLook, 0)
		if l.i.Rung != 0 || l.i.Plan != nil || l.i.Approved != "" || len(l.i.Tried) != 1 {
			t.Fatalf("rung %d, tried %d", l.i.Rung, len(l.i.Tried))
		}
		l.looks(Unhealthy)
		l.plan.Rungs, l.plan.Digest = l.plan.Rungs[1:], "another"
		if l.looks(Unhealthy); l.i.Plan.Digest != "another" {
			t.Error("the plan does not follow what is seen")
		}
		l.looks(Healthy).is(Waiting, ReasonDisagrees).allowed().acts(Done).stays(Healthy).is(Resolved, ReasonFixed)
	})
	t.Run("not what is not escalated, or over", func(t *testing.T) {
		for _, l := range []*life{begin(t, threeRungs()), begin(t, threeRungs()).person(PersonCloses)} {
			if _, _, err := l.decide(Input{Said: &Said{Verb: PersonResumes}}); err == nil {
				t.Errorf("resume fits an incident that is %s", l.i.State)
			}
		}
	})
	t.Run("no such verb", func(t *testing.T) {
		if _, _, err := begin(t, threeRungs()).decide(Input{Said: &Said{Verb: "dance"}}); err == nil {
			t.Error("dance is no verb")
		}
	})
}

func TestWhatPeopleHaveIsClearedWhenItIsHealthyAndGone(t *testing.T) {
	escalated := func(t *testing.T) *life {
		return begin(t, threeRungs()).looks(Unhealthy).judged(Verdict{Decision: Refuse, Reason: "frozen", Next: Escalated})
	}
	l := escalated(t).probes(Unhealthy).after(time.Minute).silent(Input{Probed: seen(Unhealthy)})
	l.probes(Healthy).after(10*time.Minute).silent(Input{Probed: seen(Healthy)}).is(Escalated, "frozen")
	l.hears(alerts.Resolved).probes(Healthy).is(Cleared, ReasonHealthy)

	// A resolved that never comes: the alert counts as gone after 4 h 30 min.
	escalated(t).probes(Healthy).after(4*time.Hour+31*time.Minute).probes(Healthy).is(Cleared, ReasonHealthy)

	// It must last.
	escalated(t).hears(alerts.Resolved).probes(Healthy).after(59*time.Second).probes(Healthy).is(Escalated, "frozen")

	// Where there is nothing to ask, the alert is all there is to go by.
	p := threeRungs()
	p.Verify.Healthy = nil
	l = begin(t, p).looks(Unhealthy).judged(Verdict{Decision: Refuse, Reason: "frozen", Next: Escalated})
	l.give(Input{Probed: []Observation{}}).hears(alerts.Resolved).after(time.Minute).give(Input{Probed: []Observation{}}).is(Cleared, ReasonAlertGone)
}

func TestAfterACrashAStepIsNeverBlindlyRedone(t *testing.T) {
	recovered := func(a Acted) Input { a.Recovered = true; return Input{Acted: &a} }
	one := func(verb Verb, unit string) Playbook {
		p := threeRungs()
		p.Ladder = []Rung{{Name: "one", Do: []Move{{Do: verb, On: Selector{Unit: unit}}}}}
		return p
	}
	t.Run("it happened", func(t *testing.T) {
		l := begin(t, threeRungs()).allowed().crash(0, time.Second).wants(WantReconcile, 0)
		l.give(recovered(Acted{Receipt: Receipt{Result: Done}})).stays(Healthy).is(Resolved, ReasonFixed)
	})
	t.Run("it did not, is looked at and judged again, and tried once more", func(t *testing.T) {
		l := begin(t, threeRungs()).allowed().crash(0, time.Second)
		l.give(recovered(Acted{NotDone: true})).wants(WantLook, 0)
		l.looks(Unhealthy).wants(WantPrepare, 0).prepares(allow).wants(WantAct, 0)
		if !l.i.Intent.Again {
			t.Error("the second intent does not say that it is one")
		}
		l.crash(0, time.Second).give(recovered(Acted{NotDone: true})).is(Escalated, ReasonInDoubt)
	})
	t.Run("it did not, and is healthy by now", func(t *testing.T) {
		l := begin(t, threeRungs()).allowed().crash(0, time.Minute).give(recovered(Acted{NotDone: true}))
		l.looks(Healthy).is(Verifying, "").stays(Healthy).is(Cleared, ReasonHealthy)
	})
	t.Run("in doubt is asked again until the deadline, then what it touched is free", func(t *testing.T) {
		l := begin(t, threeRungs()).allowed().crash(0, time.Second)
		l.silent(recovered(Acted{InDoubt: true})).wants(WantReconcile, 2*time.Second)
		l.after(30*time.Minute).give(recovered(Acted{InDoubt: true, Error: "no bus"})).is(Escalated, ReasonDeadline)
		if l.i.Intent != nil || l.i.Touching() != nil {
			t.Error("an incident that people have keeps its lock for ever")
		}
		l.person(PersonResumes).is(Open, "")
	})
	t.Run("what is not safe to repeat goes to people", func(t *testing.T) {
		begin(t, one(VerbOneshot, "task.service")).allowed().crash(0, time.Second).
			give(recovered(Acted{NotDone: true})).is(Escalated, ReasonInDoubt)
		begin(t, one(VerbOneshot, "task.service")).allowed().crash(0, time.Second).
			give(recovered(Acted{InDoubt: true})).is(Escalated, ReasonInDoubt)
	})
	t.Run("what goes to people does so also when the agent dies before that is written", func(t *testing.T) {
		begin(t, one(VerbOneshot, "task.service")).allowed().crash(0, time.Second).
			give(recovered(Acted{NotDone: true})).crash(1, time.Second).is(Escalated, ReasonInDoubt)
		begin(t, one(VerbOneshot, "task.service")).allowed().crash(0, time.Second).
			give(recovered(Acted{InDoubt: true})).crash(1, time.Second).is(Escalated, ReasonInDoubt)
		l := begin(t, threeRungs()).allowed().crash(0, time.Second).give(recovered(Acted{NotDone: true}))
		l.looks(Unhealthy).prepares(allow).crash(0, time.Second).give(recovered(Acted{NotDone: true}))
		l.crash(1, time.Second).is(Escalated, ReasonInDoubt)
		if l.started() != 2 {
			t.Errorf("%d intents; it is tried once more, not twice", l.started())
		}
	})
	t.Run("a doubt without a crash is looked into first", func(t *testing.T) {
		l := begin(t, one(VerbOneshot, "task.service")).allowed().give(Input{Acted: &Acted{InDoubt: true}})
		l.wants(WantReconcile, 2*time.Second).give(recovered(Acted{Receipt: Receipt{Result: Done}})).is(Verifying, "")
	})
	t.Run("what was allowed before needs a fresh look", func(t *testing.T) {
		allowed := func() *life { return begin(t, threeRungs()).looks(Unhealthy).judged(allow) }
		allowed().crash(0, 20*time.Minute).wants(WantLook, 0).looks(Healthy).is(Waiting, ReasonDisagrees)
		allowed().crash(0, 20*time.Minute).looks(Unknown).is(Waiting, ReasonUnknown)
		allowed().crash(0, time.Minute).looks(Unhealthy).wants(WantGather, 0)
		l := allowed().crash(0, time.Minute)
		l.plan.Rungs, l.plan.Digest = l.plan.Rungs[1:], "another"
		l.looks(Unhealthy).is(Open, "").wants(WantJudge, 0)
	})
	t.Run("between the verification's end and the next rung", func(t *testing.T) {
		begin(t, threeRungs()).allowed().acts(Done).stays(Unhealthy).crash(0, time.Minute).wants(WantLook, 0)
	})
	t.Run("a verification begins anew", func(t *testing.T) {
		l := begin(t, threeRungs()).allowed().acts(Done).settles().probes(Healthy).crash(0, time.Hour/3)
		l.stays(Healthy).is(Resolved, ReasonFixed)
	})
	t.Run("between two events of one decision", func(t *testing.T) {
		l := begin(t, threeRungs()).allowed().acts(Done) // finished, verification started
		l.crash(1, time.Second).is(Verifying, "")
	})
}

func TestNothingToActOn(t *testing.T) {
	l := begin(t, threeRungs())
	l.plan = Plan{Probes: []string{"front"}, Digest: "empty"}
	l.looks(Unhealthy).is(Escalated, ReasonNoPlan).wants(WantProbe, time.Minute)

	l = begin(t, threeRungs()).give(Input{Looked: &Looked{Observations: seen(Unhealthy), Verify: 1, PlanError: "no such unit"}})
	l.is(Escalated, ReasonPlanFailed)

	l = &life{t: t, now: noon}
	l.apply(Event{Type: IncidentOpened, Incident: "AAAA1111", At: noon, Opened: &Opened{Alert: alert("Down", alerts.Firing), Playbook: threeRungs()}})
	l.give(Input{Woken: true}).is(Escalated, ReasonUnknownTarget)
}

func TestAWitnessThatCantBeRead(t *testing.T) {
	l := begin(t, threeRungs()).looks(Unhealthy).judged(allow).give(Input{Gathered: &Gathered{}})
	l.give(Input{Prepared: &Prepared{Judgement: Judgement{Verdict: allow}, Error: "no bus"}}).is(Escalated, ReasonInDoubt)
	if l.started() != 0 {
		t.Error("a step was started without a witness")
	}
}

func TestWhichInvocationsAreKnown(t *testing.T) {
	db := Unit("db.service")
	l := begin(t, threeRungs()).looks(Unhealthy)
	l.plan.Digest = "another"
	l.give(Input{Looked: &Looked{Observations: seen(Unhealthy), Verify: 1, Plan: l.plan, Invocations: map[Target]string{db: "i9"}}})
	if got := l.i.Invocations[db]; got != "i1" {
		t.Errorf("known is %s; what was started since the first look may be a person's", got)
	}
	if l.allowed().acts(Done); l.i.Invocations[db] != "i2" {
		t.Errorf("known is %s, not what our own act left behind", l.i.Invocations[db])
	}
	if l := begin(t, threeRungs()).allowed().acts(TimedOut); l.i.Invocations[db] != "" {
		t.Error("a start of ours that comes late would be taken for a person's")
	}
}

func TestACrashBetweenARefusalAndItsEnd(t *testing.T) {
	l := begin(t, threeRungs()).looks(Unhealthy).judged(Verdict{Decision: Wait, Reason: "settling", Until: noon.Add(time.Second)})
	l.looks(Unhealthy).judged(Verdict{Decision: Refuse, Reason: "frozen", Next: Escalated})
	l.crash(2, time.Hour).is(Escalated, ReasonDeadline) // the end, and the page that followed it
}
