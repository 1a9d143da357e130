package remediate_test

import (
	"testing"
	"time"

	. "nightshift/remediate"
)

// ledgerOf folds the log of a life into a ledger.
func ledgerOf(l *life) *Ledger {
	l.t.Helper()
	ledger := NewLedger()
	for _, e := range l.log {
		if err := ledger.Apply(e); err != nil {
			l.t.Fatal(err)
		}
	}
	return ledger
}

func TestAnAttemptIsOneRungOnOneThing(t *testing.T) {
	p := threeRungs()
	p.Ladder[0].Do = append([]Move{{Do: VerbResetFailed, On: Selector{Unit: "db.service"}}}, p.Ladder[0].Do...)
	l := begin(t, p).allowed().acts(Done).prepares(allow)
	l.crash(0, time.Second).give(Input{Acted: &Acted{NotDone: true, Recovered: true}}).looks(Unhealthy).prepares(allow).acts(Done)
	got := ledgerOf(l).Attempts
	if len(got) != 1 || got[0].On != Unit("db.service") || !got[0].Ended.IsZero() {
		t.Fatalf("two steps on one unit and a retry are one attempt, not %+v", got)
	}
	l.stays(Unhealthy)
	if got := ledgerOf(l).Attempts; got[0].Outcome != NotFixed || got[0].Ended != l.now {
		t.Errorf("the attempt did not end with its verification: %+v", got)
	}
	l.judged(allow).prepares(allow).acts(Done).after(time.Hour).give(Input{Woken: true}).person(PersonResumes).allowed()
	if got := ledgerOf(l).Attempts; len(got) != 3 || got[1].Ended.IsZero() {
		t.Errorf("what was tried before a person handed it back is not forgotten: %+v", got)
	}
}

func TestAttemptsAreForgottenWhenNoWindowReachesThem(t *testing.T) {
	l := begin(t, threeRungs()).allowed().acts(Done)
	ledger := ledgerOf(l)
	read := func(after time.Duration) Event {
		return Event{Type: AlertsRead, At: l.now.Add(after), Read: &Read{Position: Position{Message: 99}}}
	}
	// attempts.per of an inventory is at most 30d.
	if ledger.Apply(read(29 * 24 * time.Hour)); len(ledger.Attempts) != 1 {
		t.Error("an attempt was forgotten too early")
	}
	if ledger.Apply(read(30 * 24 * time.Hour)); len(ledger.Attempts) != 0 {
		t.Error("attempts are kept for ever")
	}
}

func TestOursAreTheInvocationsThatOurActsLeave(t *testing.T) {
	ledger := ledgerOf(begin(t, threeRungs()).allowed().acts(Done))
	if got := ledger.Ours[Unit("db.service")]; got != "i2" {
		t.Errorf("ours is %q", got)
	}
}

func TestTheCursorNeverGoesBack(t *testing.T) {
	ledger := NewLedger()
	for _, p := range []Position{{5, 1}, {5, 0}, {4, 9}} {
		if err := ledger.Apply(Event{Type: AlertsRead, At: noon, Read: &Read{Position: p}}); err != nil {
			t.Fatal(err)
		}
	}
	if want := (Position{5, 1}); ledger.Cursor != want {
		t.Errorf("cursor %v", ledger.Cursor)
	}
}

func TestFreezes(t *testing.T) {
	ledger := NewLedger()
	freeze := func(f Freeze) { ledger.Apply(Event{Type: HostFroze, At: noon, Froze: &f}) }
	freeze(Freeze{By: "ann", Until: noon.Add(time.Hour)})
	if ledger.Frozen(noon.Add(59*time.Minute)) == nil || ledger.Frozen(noon.Add(time.Hour)) != nil {
		t.Error("a freeze for an hour lasts an hour")
	}
	freeze(Freeze{By: "ann"})
	if ledger.Frozen(noon.Add(1000*time.Hour)) == nil {
		t.Error("a freeze without an end has ended")
	}
	ledger.Apply(Event{Type: HostThawed, At: noon, Thawed: &Thawed{By: "ann"}})
	if ledger.Frozen(noon) != nil {
		t.Error("thawed, and frozen still")
	}
}

func TestALogThatDoesNotFitItself(t *testing.T) {
	opened := begin(t, threeRungs()).log[0]
	at := func(e Event) Event { e.Incident, e.At = opened.Incident, noon; return e }
	acting := begin(t, threeRungs()).allowed()
	for name, log := range map[string][]Event{
		"twice opened":          {opened, opened},
		"never opened":          {at(Event{Type: IncidentProbed, Probed: &Probed{}})},
		"nothing known":         {opened, at(Event{Type: "incident.danced"})},
		"finish, never started": {opened, at(Event{Type: StepFinished, Finished: &Finished{}})},
		"start without a plan":  {opened, at(Event{Type: StepStarted, Started: &Started{}})},
		"started twice":         append(acting.log[:len(acting.log):len(acting.log)], acting.log[len(acting.log)-1]),
		"verified, not begun":   {opened, at(Event{Type: VerifyFinished, Verified: &Verified{}})},
		"approved, not held":    {opened, at(Event{Type: IncidentAnswered, Answered: &Answered{Verb: PersonApproves}})},
		"resumed, not given":    {opened, at(Event{Type: IncidentAnswered, Answered: &Answered{Verb: PersonResumes}})},
		"planned while acting":  append(acting.log[:len(acting.log):len(acting.log)], at(Event{Type: IncidentPlanned, Planned: &Planned{}})),
		"an unknown state":      {opened, at(Event{Type: IncidentEnded, Ended: &Ended{State: "gone"}})},
		"from the end":          {opened, at(Event{Type: IncidentEnded, Ended: &Ended{State: Closed}}), at(Event{Type: IncidentEnded, Ended: &Ended{State: Cleared}})},
	} {
		ledger := NewLedger()
		var err error
		for _, e := range log {
			if err = ledger.Apply(e); err != nil {
				break
			}
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
