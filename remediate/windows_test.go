package remediate_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/alerts"
	. "nightshift/remediate"
)

// clockwork is a host whose wall clock lies: it jumps, within a boot and between two.
type clockwork struct {
	truth time.Duration // since the beginning
	shift time.Duration // what the wall clock is wrong by
	boot  int
	up    time.Duration
}

func (c *clockwork) now() Instant {
	return Instant{Wall: noon.Wall.Add(c.truth + c.shift), Boot: fmt.Sprintf("b%d", c.boot), Up: c.up}
}

func (c *clockwork) runs(d time.Duration) { c.truth += d; c.up += d }

// happens lets time pass, the clock jump, or the host boot.
func (c *clockwork) happens(t *rapid.T) {
	switch rapid.IntRange(0, 9).Draw(t, "happens") {
	case 0:
		c.shift += rapid.SampledFrom([]time.Duration{time.Hour, -time.Hour, 87600 * time.Hour, -87600 * time.Hour}).Draw(t, "jump")
	case 1:
		c.truth += rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour}).Draw(t, "off")
		c.boot, c.up = c.boot+1, 0
		c.shift += rapid.SampledFrom([]time.Duration{0, time.Hour, -time.Hour, 87600 * time.Hour}).Draw(t, "jump while off")
	}
	c.runs(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 10 * time.Minute, time.Hour}).Draw(t, "runs"))
}

// TestNoWindowEverHoldsMoreThanItsFigure: whoever asks Made before each attempt never
// makes more in any time, as it truly passed, than the rate says.
func TestNoWindowEverHoldsMoreThanItsFigure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := []Rate{{3, time.Hour}, {6, 24 * time.Hour}}
		ledger, clock := NewLedger(), &clockwork{up: time.Minute}
		var made []time.Duration
		for range rapid.IntRange(1, 150).Draw(t, "moments") {
			clock.happens(t)
			now := clock.now()
			if err := ledger.Apply(Event{Type: AlertsRead, At: now, Read: &Read{}}); err != nil {
				t.Fatal(err)
			}
			full := slices.ContainsFunc(rates, func(r Rate) bool {
				return ledger.Made(r.Per, now, func(Attempt) bool { return true }) >= r.Max
			})
			if full {
				continue
			}
			ledger.Attempts = append(ledger.Attempts, Attempt{On: Unit("db.service"), At: now})
			made = append(made, clock.truth)
			for _, r := range rates {
				if n := len(made) - 1 - r.Max; n >= 0 && made[len(made)-1]-made[n] < r.Per {
					t.Fatalf("%d attempts in %s, where %s are allowed", r.Max+1, made[len(made)-1]-made[n], r)
				}
			}
		}
	})
}

// TestElapsedIsNeverTooLong holds it to the time that truly passed.
func TestElapsedIsNeverTooLong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ledger, clock := NewLedger(), &clockwork{up: time.Minute}
		type moment struct {
			at    Instant
			truth time.Duration
		}
		var all []moment
		for range rapid.IntRange(2, 60).Draw(t, "moments") {
			clock.happens(t)
			if err := ledger.Apply(Event{Type: AlertsRead, At: clock.now(), Read: &Read{}}); err != nil {
				t.Fatal(err)
			}
			all = append(all, moment{clock.now(), clock.truth})
			for _, before := range all {
				if got, most := ledger.Elapsed(before.at, clock.now()), clock.truth-before.truth; got > most {
					t.Fatalf("%s, though only %s passed", got, most)
				}
			}
		}
	})
}

func TestWithinABootElapsedIsExact(t *testing.T) {
	ledger := NewLedger()
	later := noon.Add(time.Hour)
	later.Wall = later.Wall.AddDate(10, 0, 0)
	if got := ledger.Elapsed(noon, later); got != time.Hour {
		t.Errorf("%s", got)
	}
}

// history is attempts on one unit of one playbook, a minute apart: one letter each, F
// fixed, n not fixed, i inconclusive, - ended by people.
func history(outcomes string) *Ledger {
	ledger := NewLedger()
	for n, letter := range outcomes {
		at := noon.Add(time.Duration(n) * time.Minute)
		ledger.Attempts = append(ledger.Attempts, Attempt{
			On: Unit("db.service"), Playbook: "p", Incident: ID(fmt.Sprintf("AAAA%04d", n)), At: at, Ended: at,
			Outcome: map[rune]Outcome{'F': Fixed, 'n': NotFixed, 'i': Inconclusive}[letter],
		})
	}
	return ledger
}

func TestOneSuccessDoesNotWipeTheFailures(t *testing.T) {
	for outcomes, want := range map[string]int{
		"": 0, "n": 1, "nn": 2, "ni": 2, "nF": 1, "nFn": 2, "nFnF": 2, "nnFF": 0, "nFF": 0, "nFFn": 1, "FFnFn": 2, "n-n": 2, "nF-Fn": 1, "---": 0,
	} {
		ledger := history(outcomes)
		for _, playbook := range []string{"", "p"} {
			if got, _ := ledger.Failures(Unit("db.service"), playbook, time.Hour, noon.Add(30*time.Minute)); got != want {
				t.Errorf("%q (%q): %d, should be %d", outcomes, playbook, got, want)
			}
		}
	}
}

func TestFailuresAreOfTheirOwnThingAndTime(t *testing.T) {
	ledger := history("nnn")
	if got, last := ledger.Failures(Unit("db.service"), "", time.Hour, noon.Add(61*time.Minute)); got != 1 || last != "AAAA0002" {
		t.Errorf("%d, the last %s: those of before an hour count", got, last)
	}
	if got, _ := ledger.Failures(Unit("web.service"), "", time.Hour, noon); got != 0 {
		t.Errorf("%d of another unit", got)
	}
	if got, _ := ledger.Failures(Target{}, "q", time.Hour, noon); got != 0 {
		t.Errorf("%d of another playbook", got)
	}
}

func TestAClimbThatTouchedTwoThingsIsOneFailureOfThePlaybook(t *testing.T) {
	ledger := history("nn")
	second := ledger.Attempts[1]
	second.On = Unit("web.service")
	ledger.Attempts = append(ledger.Attempts, second)
	if got, _ := ledger.Failures(Target{}, "p", time.Hour, noon); got != 2 {
		t.Errorf("%d failures", got)
	}
}

func TestWhatABreakerCountedIsForgivenWhenItIsClosed(t *testing.T) {
	ledger := history("nnn")
	on, now := Unit("db.service"), noon.Add(10*time.Minute)
	open := Breaker{On: on, Why: "3 failed", Incident: "AAAA0002", At: now}
	for _, e := range []Event{
		{Type: HostBreakerOpened, At: now, BreakerOpened: &open},
		{Type: HostBreakerClosed, At: now, BreakerClosed: &BreakerClosed{Key: open.Key(), By: "ann"}},
	} {
		if err := ledger.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := ledger.Failures(on, "", time.Hour, now); got != 0 || len(ledger.Breakers) != 0 {
		t.Errorf("%d count still, %v is open", got, ledger.Breakers)
	}
	if got, _ := ledger.Failures(Target{}, "p", time.Hour, now); got != 3 {
		t.Errorf("%d count for the playbook, whose breaker nobody closed", got)
	}
}

// TestALadderIsNotCutShortByItsOwnRungs: what an incident tried counts once it is over.
func TestALadderIsNotCutShortByItsOwnRungs(t *testing.T) {
	l := begin(t, threeRungs()).allowed().acts(Done).stays(Unhealthy)
	failures := func() int {
		n, _ := ledgerOf(l).Failures(Unit("db.service"), "", time.Hour, l.now)
		return n
	}
	if got := failures(); got != 0 {
		t.Errorf("%d while it climbs", got)
	}
	l.after(time.Hour).give(Input{Woken: true}).is(Escalated, ReasonDeadline)
	if n, _ := ledgerOf(l).Failures(Unit("db.service"), "", 2*time.Hour, l.now); n != 1 {
		t.Errorf("%d when people have it", n)
	}
}

func TestSnapshotAndTailAreTheWholeLog(t *testing.T) {
	life := begin(t, threeRungs()).allowed().acts(Done).stays(Unhealthy).after(time.Hour).give(Input{Woken: true})
	on := Unit("db.service")
	other := life.now
	other.Boot, other.Up = "b2", time.Minute
	log := append(slices.Clone(life.log),
		Event{Type: HostBreakerOpened, At: life.now, BreakerOpened: &Breaker{Playbook: "three", Why: "x", Incident: "BBBB2222", At: life.now}},
		Event{Type: HostAutonomySet, At: life.now, AutonomySet: &AutonomySet{Playbook: "three", To: Approve, Incident: "BBBB2222", At: life.now}},
		Event{Type: HostStormBegan, At: life.now, StormBegan: &Storm{Targets: []Target{on}, At: life.now, Until: life.now.Add(time.Minute)}},
		Event{Type: HostSourceChanged, At: other, SourceChanged: &SourceChanged{Source: "rave", To: SourceSilent, At: other}},
		Event{Type: HostFroze, At: other, Froze: &Freeze{By: "file", File: true}},
		Event{Type: HostBreakerClosed, At: other, BreakerClosed: &BreakerClosed{Key: "playbook:three", By: "ann"}},
		Event{Type: HostWentBack, At: other, WentBack: &WentBack{Epoch: "01B", Was: "01A"}},
	)
	whole := folded(t, NewLedger(), log)
	for cut := range log {
		var half Ledger
		if err := DecodeJSON([]byte(written(t, folded(t, NewLedger(), log[:cut]))), &half); err != nil {
			t.Fatal(err)
		}
		if got := written(t, folded(t, &half, log[cut:])); got != written(t, whole) {
			t.Fatalf("cut at %d:\n%s\n%s", cut, got, written(t, whole))
		}
	}
	if len(whole.Autonomy) != 1 || len(whole.Sources) != 1 || whole.FileFreeze == nil || whole.Freeze != nil || len(whole.Boots) != 2 {
		t.Errorf("a machine that went back lost what its keeper knew: %s", written(t, whole))
	}
}

func folded(t tb, l *Ledger, log []Event) *Ledger {
	t.Helper()
	for _, e := range log {
		if err := l.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func TestFlapsAreBeginningsOfOneTrouble(t *testing.T) {
	d := newDesk(t)
	id := d.takes(alert("Down", alerts.Firing), FateOpened).Incident
	for range 3 {
		d.later(time.Minute)
		d.takes(alert("Down", alerts.Resolved), FateJoined)
		d.later(time.Minute)
		d.takes(alert("Down", alerts.Firing), FateJoined)
	}
	i := d.Incidents[id]
	if got := d.Flaps(i.Playbook.Name, i.Target, 30*time.Minute, d.now); got != 4 {
		t.Errorf("%d beginnings, should be 4", got)
	}
	if got := d.Flaps(i.Playbook.Name, i.Target, 3*time.Minute, d.now); got != 2 {
		t.Errorf("%d within 3 minutes", got)
	}
	if got := d.Flaps("other", i.Target, time.Hour, d.now); got != 0 {
		t.Errorf("%d of another playbook", got)
	}
}

func TestAStormIsOfUnrelatedTargets(t *testing.T) {
	units := map[string]ManagedUnit{"db": {}}
	var many []string
	var apart, hang []Target
	for n := range 20 {
		name := fmt.Sprintf("u%d", n)
		units[name], many = ManagedUnit{}, append(many, name)
		apart = append(apart, Unit(name))
		units["h"+name] = ManagedUnit{Needs: []string{"db"}}
		hang = append(hang, Unit("h"+name))
	}
	inv := Inventory{Host: "h1", Units: units, Limits: DefaultLimits, Groups: map[string]ManagedGroup{"small": {Units: many[:9]}, "large": {Units: many[:15]}}}
	few := inv
	few.Limits.Storm.Targets = 100 // so that only groups count
	for name, c := range map[string]struct {
		inv   Inventory
		broke []Target
		on    []Target
		want  bool
	}{
		"five":                              {inv, apart[15:], nil, true},
		"four":                              {inv, apart[16:], nil, false},
		"what needs one that broke":         {inv, append(slices.Clone(hang), Unit("db")), nil, false},
		"what needs one that is handled":    {inv, hang, []Target{Unit("db")}, false},
		"what needs one that is well":       {inv, hang, nil, true},
		"the host does not add to its own":  {inv, append(slices.Clone(apart[16:]), Host("h1")), nil, false},
		"three of a group of fifteen":       {few, apart[:3], nil, false},
		"four of a group of fifteen":        {few, apart[9:13], nil, true},
		"all of a small group, few of both": {few, apart[:3], nil, false},
	} {
		if _, got := c.inv.IsStorm(c.broke, c.on); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
