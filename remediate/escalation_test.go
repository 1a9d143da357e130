package remediate_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/alerts"
	. "nightshift/remediate"
)

// theirs is an incident that was just handed to people.
func theirs(t tb, s Severity, policy EscalationPolicy) *life {
	t.Helper()
	l := &life{t: t, now: noon}
	l.apply(Event{Type: IncidentOpened, Incident: "AAAA1111", At: l.now, Opened: &Opened{
		Alert: alert("Down", alerts.Firing), Received: l.now, Position: Position{Message: 1}, Playbook: threeRungs(), Target: Host("h1"),
		Severity: s, Escalation: policy,
	}})
	return l.give(Input{Looked: &Looked{Observations: seen(Unhealthy), Verify: 1, PlanError: "no"}}).is(Escalated, ReasonPlanFailed)
}

// raves is the policy of RAVE's own matrix.
func raves(s Severity) EscalationPolicy {
	policy := DefaultEscalation(s)
	policy.Levels = []time.Duration{0, 15 * time.Minute, 30 * time.Minute, time.Hour}
	return policy
}

// passes lets time pass minute by minute, as the engine's ticks do.
func (l *life) passes(d time.Duration) *life {
	l.t.Helper()
	for range d / time.Minute {
		l.after(time.Minute).give(Input{Woken: true})
	}
	return l
}

// told is when people were told, and at which level: "15m 1", or "5m 0 again".
func (l *life) told() (all []string) {
	for _, e := range l.log {
		if p := e.Paged; p != nil {
			at := fmt.Sprintf("%.0fm %d", e.At.Since(noon).Minutes(), p.Level)
			if p.Again {
				at += " again"
			}
			all = append(all, at)
		}
	}
	return all
}

func (l *life) toldAt(want ...string) *life {
	l.t.Helper()
	if got := l.told(); !reflect.DeepEqual(got, want) {
		l.t.Fatalf("people were told at %v, want %v", got, want)
	}
	return l
}

func TestTheLevelsOfAnEscalation(t *testing.T) {
	t.Run("each once", func(t *testing.T) {
		theirs(t, 2, raves(2)).passes(3*time.Hour).toldAt("0m 0", "15m 1", "30m 2", "60m 3")
	})
	t.Run("the pager that people have is told once", func(t *testing.T) {
		theirs(t, 3, EscalationPolicy{}).passes(3 * time.Hour).toldAt("0m 0")
	})
	t.Run("severity 1 is repeated", func(t *testing.T) {
		theirs(t, 1, EscalationPolicy{}).passes(11*time.Minute).toldAt("0m 0", "5m 0 again", "10m 0 again")
	})
	t.Run("at the level that was reached", func(t *testing.T) {
		theirs(t, 1, raves(1)).passes(21*time.Minute).toldAt("0m 0", "5m 0 again", "10m 0 again", "15m 1", "20m 1 again")
	})
	t.Run("a first level that is not at once", func(t *testing.T) {
		policy := raves(2)
		policy.Levels = policy.Levels[1:]
		theirs(t, 2, policy).passes(40*time.Minute).toldAt("15m 0", "30m 1")
	})
	t.Run("what came while nobody was there is told then, each level once", func(t *testing.T) {
		l := theirs(t, 1, raves(1)).crash(0, 10*time.Hour)
		l.toldAt("0m 0", "600m 1", "600m 2", "600m 3").passes(6*time.Minute).toldAt("0m 0", "600m 1", "600m 2", "600m 3", "605m 3 again")
	})
	t.Run("a crash before it was recorded", func(t *testing.T) {
		theirs(t, 2, raves(2)).crash(1, time.Minute).toldAt("1m 0")
	})
	t.Run("an agent before this one told nobody", func(t *testing.T) {
		l := theirs(t, 2, EscalationPolicy{})
		l.i.Page, l.i.Escalation = nil, EscalationPolicy{}
		l.give(Input{Woken: true}).toldAt("0m 0", "0m 0")
	})
}

func TestAnAcknowledgementStopsTheClock(t *testing.T) {
	ack := func(l *life) *life { return l.give(Input{Said: &Said{Verb: PersonAcks, By: "ann"}}) }
	t.Run("until it has led nowhere for long enough", func(t *testing.T) {
		l := ack(theirs(t, 2, raves(2)).passes(20 * time.Minute)).passes(80 * time.Minute)
		l.toldAt("0m 0", "15m 1", "50m 0", "65m 1", "80m 2") // acknowledged from 20 to 50
		if l.i.Page.Times != 5 {
			t.Errorf("told %d times", l.i.Page.Times)
		}
	})
	t.Run("again and again", func(t *testing.T) {
		l := theirs(t, 2, raves(2))
		for range 10 {
			ack(l).passes(29 * time.Minute)
		}
		l.toldAt("0m 0")
	})
	t.Run("also a severity 1's repeats", func(t *testing.T) {
		ack(theirs(t, 1, EscalationPolicy{})).passes(14 * time.Minute).toldAt("0m 0")
	})
	t.Run("by who had taken it before people got it", func(t *testing.T) {
		l := begin(t, threeRungs())
		ack(l).looks(Unknown).after(30*time.Second).looks(Unknown).is(Escalated, ReasonUnknown).passes(119 * time.Minute).toldAt()
		l.passes(time.Minute).toldAt("120m 0")
	})
	t.Run("but not if that is over", func(t *testing.T) {
		l := begin(t, threeRungs()).looks(Healthy)
		ack(l)
		l.i.Acknowledged.Until = l.now.Add(time.Minute) // a policy as strict as that
		l.log[len(l.log)-1].Acknowledged.Until = l.i.Acknowledged.Until
		l.after(30*time.Minute).give(Input{Woken: true}).is(Escalated, ReasonDisagrees).toldAt("30m 0")
	})
	t.Run("until it is handed back", func(t *testing.T) {
		l := ack(theirs(t, 2, raves(2))).person(PersonResumes)
		if l.i.Acknowledged != nil || l.i.Page != nil {
			t.Errorf("%+v %+v", l.i.Acknowledged, l.i.Page)
		}
		l.passes(10*time.Minute).looks(Unknown).after(time.Minute).looks(Unknown).is(Escalated, ReasonUnknown).toldAt("0m 0", "11m 0")
	})
}

func TestNobodyIsToldWhere(t *testing.T) {
	t.Run("others tell of it", func(t *testing.T) {
		l := begin(t, threeRungs()).looks(Unhealthy).judged(Verdict{Decision: Refuse, Reason: "frozen", Next: Escalated, Quiet: true})
		l.is(Escalated, "frozen").passes(5 * time.Hour).toldAt()
		if _, calling := l.i.Calling(l.now); calling || !l.i.Quiet {
			t.Error("people are called though others tell of it")
		}
		if l.person(PersonResumes); l.i.Quiet {
			t.Error("what was handed back is quiet still")
		}
	})
	t.Run("it is over", func(t *testing.T) {
		theirs(t, 1, raves(1)).person(PersonCloses).passes(5 * time.Hour).toldAt("0m 0")
	})
	t.Run("the agent has it", func(t *testing.T) {
		begin(t, threeRungs()).looks(Healthy).passes(25 * time.Minute).toldAt()
	})
}

func TestSomeHearOnlyInTheirHours(t *testing.T) {
	policy := raves(4) // noon is on a Wednesday
	policy.Hours = `[{weekdays: ["thursday"], times: [{start_time: "09:00", end_time: "17:00"}]}]`
	theirs(t, 4, policy).passes(24*time.Hour).toldAt("1260m 0", "1260m 1", "1260m 2", "1260m 3")
	policy.Hours = `[{no hours`
	theirs(t, 4, policy).passes(time.Hour).toldAt("0m 0", "15m 1", "30m 2", "60m 3")
}

func TestWhoIsCalledNow(t *testing.T) {
	l := theirs(t, 2, raves(2))
	calls := func(want int) {
		t.Helper()
		level, calling := l.i.Calling(l.now)
		if calling != (want >= 0) || calling && level != want {
			t.Errorf("called at level %d, %t; want %d", level, calling, want)
		}
	}
	calls(0)
	l.passes(15 * time.Minute)
	calls(1)
	l.give(Input{Said: &Said{Verb: PersonAcks, By: "ann"}})
	calls(-1)
	l.after(30 * time.Minute)
	calls(-1) // the clock begins anew: nobody is told of the old levels
	l.give(Input{Woken: true})
	calls(0)
	l.person(PersonCloses)
	calls(-1)
}

// keeper holds the pages of a log to the rules, by its own reckoning.
type keeper struct {
	t      *rapid.T
	policy EscalationPolicy
	level  int     // the highest that was told by this clock
	since  Instant // when it began
	told   Instant
	ack    *Acknowledged
	theirs bool
}

// past is whether so much time went by as far as anybody can tell.
func past(since Instant, d time.Duration, now Instant) bool {
	if since.Boot == now.Boot {
		return now.Up-since.Up >= d
	}
	gone := now.Wall.Sub(since.Wall)
	return gone >= d || gone < 0
}

func (k *keeper) sees(e Event) {
	switch {
	case e.Ended != nil:
		k.theirs, k.level, k.since = e.Ended.State == Escalated, -1, e.At
	case e.Answered != nil && e.Answered.Verb == PersonResumes:
		k.theirs, k.ack = false, nil
	case e.Acknowledged != nil:
		k.ack = e.Acknowledged
	case e.Paged != nil:
		k.paged(*e.Paged, e.At)
	}
}

func (k *keeper) paged(p Paged, at Instant) {
	if k.ack != nil { // it had come to nothing
		if !past(k.ack.At, k.policy.AckLasts, at) {
			k.t.Fatalf("people are told though %s has it", k.ack.By)
		}
		k.level, k.since, k.ack = -1, k.ack.Until, nil
	}
	switch {
	case !k.theirs:
		k.t.Fatal("people are told of what they do not have")
	case p.Again && (k.policy.Repeat == 0 || p.Level != k.level || !past(k.told, k.policy.Repeat, at)):
		k.t.Fatalf("level %d is told again", p.Level)
	case !p.Again && p.Level != k.level+1:
		k.t.Fatalf("level %d is told after level %d", p.Level, k.level)
	case !p.Again && !past(k.since, k.policy.Levels[p.Level], at):
		k.t.Fatalf("level %d is told too early", p.Level)
	}
	k.level, k.told = p.Level, at
}

// complete fails if something was due and not told.
func (k *keeper) complete(now Instant) {
	level, since := k.level, k.since
	if k.ack != nil {
		if !k.theirs || !past(k.ack.At, k.policy.AckLasts, now) {
			return
		}
		level, since = -1, k.ack.Until
	}
	if k.theirs && level+1 < len(k.policy.Levels) && past(since, k.policy.Levels[level+1], now) {
		k.t.Fatalf("level %d is due, and nobody was told", level+1)
	}
}

// TestEveryEscalationTellsEachLevelOnce walks through acknowledgements, lapses,
// restarts and jumps of the clock: at each level people are told exactly once by one
// clock, in order, never early, never while somebody has it; only a severity 1 is
// told again.
func TestEveryEscalationTellsEachLevelOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := Severity(rapid.IntRange(1, 4).Draw(rt, "severity"))
		policy := raves(s)
		if rapid.Bool().Draw(rt, "late") {
			policy.Levels = policy.Levels[1:]
		}
		l := theirs(rt, s, policy)
		k := &keeper{t: rt, policy: policy, level: -1}
		kept := 0
		for range rapid.IntRange(1, 40).Draw(rt, "length") {
			lives(rt, l)
			for ; kept < len(l.log); kept++ {
				k.sees(l.log[kept])
			}
			k.complete(l.now)
			if folded := written(rt, fold(rt, l.log)); folded != written(rt, l.i) {
				rt.Fatal("the fold of the log is another incident")
			}
		}
		snapshotAndTail(rt, l)
	})
}

// lives does one thing to an incident that people have.
func lives(t *rapid.T, l *life) {
	jump := rapid.SampledFrom([]time.Duration{0, 0, time.Hour, -time.Hour, 10 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour})
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0:
		l.give(Input{Said: &Said{Verb: PersonAcks, By: "ann", Mute: rapid.Bool().Draw(t, "mute")}})
	case 1:
		l.give(Input{Said: &Said{Verb: PersonAcks, By: "karma", Claimed: true, Silence: rapid.SampledFrom([]string{"s1", "s2"}).Draw(t, "silence")}})
	case 2: // in the same boot
		l.now.Wall = l.now.Wall.Add(jump.Draw(t, "jump"))
		l.give(Input{Woken: true})
	case 3: // another boot
		l.now.Boot, l.now.Up = l.now.Boot+"'", time.Minute
		l.now.Wall = l.now.Wall.Add(time.Minute + jump.Draw(t, "jump"))
		l.give(Input{Again: true})
	case 4:
		l.crash(0, time.Duration(rapid.IntRange(0, 300).Draw(t, "away"))*time.Minute)
	case 5:
		l.give(Input{Said: &Said{Verb: PersonComments, By: "bob", Comment: "hm"}})
	case 6:
		l.give(Input{Probed: seen(rapid.SampledFrom([]Health{Unhealthy, Unknown}).Draw(t, "probed"))})
	case 7: // handed back, and got again
		if l.person(PersonResumes); rapid.Bool().Draw(t, "taken while the agent had it") {
			l.give(Input{Said: &Said{Verb: PersonAcks, By: "ann"}})
		}
		l.after(10 * time.Minute).give(Input{Looked: &Looked{Observations: seen(Unhealthy), Verify: 1, PlanError: "no"}})
	default:
		l.passes(time.Duration(rapid.IntRange(1, 40).Draw(t, "minutes")) * time.Minute)
	}
}

// snapshotAndTail fails unless a snapshot of any part of the log, and the rest, are
// the same as the whole.
func snapshotAndTail(t *rapid.T, l *life) {
	at := rapid.IntRange(0, len(l.log)).Draw(t, "snapshot")
	whole, part := NewLedger(), NewLedger()
	for n, e := range l.log {
		if n == at {
			read := NewLedger()
			if err := DecodeJSON([]byte(written(t, part)), read); err != nil {
				t.Fatal(err)
			}
			part = read
		}
		for _, ledger := range []*Ledger{whole, part} {
			if err := ledger.Apply(throughText(t, e)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if a, b := written(t, whole), written(t, part); a != b {
		t.Fatalf("a snapshot and the rest are not the whole:\n%s\n%s", a, b)
	}
}

func TestASignatureIsTakenOnce(t *testing.T) {
	proof := func(nonce string) *Proof { return &Proof{Key: "U", Nonce: nonce, Expires: noon.Add(5 * time.Minute)} }
	ledger := NewLedger()
	for nonce, e := range map[string]Event{
		"froze":   {Type: HostFroze, At: noon, Froze: &Freeze{Proof: proof("froze")}},
		"thawed":  {Type: HostThawed, At: noon, Thawed: &Thawed{Proof: proof("thawed")}},
		"closed":  {Type: HostBreakerClosed, At: noon, BreakerClosed: &BreakerClosed{Proof: proof("closed")}},
		"promote": {Type: HostAutonomySet, At: noon, AutonomySet: &AutonomySet{Proof: proof("promote")}},
	} {
		if err := ledger.Apply(e); err != nil {
			t.Fatal(err)
		}
		if _, used := ledger.Nonces[nonce]; !used {
			t.Errorf("the nonce of %s is forgotten", e.Type)
		}
	}
	l := standing["held"](t)
	for _, verb := range []string{PersonApproves, PersonCancels} {
		s := said(l, verb)
		s.Proof = proof(verb)
		l.give(Input{Said: s})
	}
	if got := ledgerOf(l).Nonces; len(got) != 2 {
		t.Errorf("of an approval and a cancellation the log keeps %v", got)
	}
	ledger.Prune(noon.Add(20 * time.Hour))
	if len(ledger.Nonces) != 4 {
		t.Error("a clock that is set back makes a signature good again")
	}
	if ledger.Prune(noon.Add(25 * time.Hour)); len(ledger.Nonces) != 0 {
		t.Error("nonces are kept for ever")
	}
}
