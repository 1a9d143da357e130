package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/alerts"
	. "nightshift/remediate"
	"nightshift/remediate/engine/enginetest"
	"nightshift/remediate/guard"
)

// units gives a rig so many unrelated units, u0.service and on.
func (r *rig) units(n int) {
	names := []string{"db.service", "app.service", "web.service"}
	for i := range n {
		names = append(names, fmt.Sprintf("u%d.service", i))
	}
	r.world = enginetest.NewWorld(names...)
	for _, name := range names {
		r.config.Inventory.Units[name] = ManagedUnit{}
	}
}

// fails breaks a unit that no restart mends, and lets its alert fire until people have
// it.
func (r *rig) fails(unit string) Incident {
	r.Helper()
	r.world.Change(unit, func(u *enginetest.Unit) { u.Health = Unhealthy })
	r.takes(about("UnitCrashed", unit, alerts.Firing))
	r.after(6 * time.Minute)
	return r.last()
}

// last is the incident that was opened last.
func (r *rig) last() Incident {
	all := r.all()
	return slices.MaxFunc(all, func(a, b Incident) int { return a.OpenedAt.Wall.Compare(b.OpenedAt.Wall) })
}

// mended lets an alert end and its unit be well, and forgets both.
func (r *rig) mended(unit string) {
	r.world.Change(unit, func(u *enginetest.Unit) { u.Health = Healthy })
	r.takes(about("UnitCrashed", unit, alerts.Resolved))
	r.after(20 * time.Minute)
}

// has fails unless the log has so many events that fit.
func (r *rig) has(n int, what string, fits func(Event) bool) {
	r.Helper()
	got := 0
	for _, e := range r.log.Events() {
		if fits(e) {
			got++
		}
	}
	if got != n {
		r.Errorf("%d times %s, should be %d", got, what, n)
	}
}

func TestAPlaybookGoesDownALevelForEachFailure(t *testing.T) {
	inBubble(t, func(r *rig) {
		if i := r.fails("web.service"); i.State != Escalated || i.Reason != ReasonExhausted {
			r.Fatalf("%s %s", i.State, i.Reason)
		}
		r.mended("web.service")
		r.restarts(time.Minute)
		if i := r.fails("db.service"); i.State != Held {
			r.Fatalf("%s %s", i.State, i.Reason)
		}
		records, err := r.Playbooks(r.Context())
		if err != nil || records[1].Autonomy != Approve || records[1].Inventory != Act || records[1].Ended[Escalated] != 1 {
			r.Fatalf("%v %+v", err, records[1])
		}
		if err := r.Promote(r.Context(), "crash", Act, "ann", "it was the disk", nil); err != nil {
			r.Fatal(err)
		}
		if records, _ = r.Playbooks(r.Context()); records[1].Autonomy != Act || records[1].Set.By != "ann" {
			r.Errorf("%+v", records[1])
		}
		r.has(2, "a level was set", func(e Event) bool { return e.AutonomySet != nil })
	})
}

func TestNobodyIsPromotedOverTheInventory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.config.Playbooks[1].Autonomy = Approve
		r.start()
		defer r.stop()
		if err := r.Promote(r.Context(), "crash", Act, "ann", "", nil); err == nil {
			t.Error("promoted over the inventory's level")
		}
		if err := r.Promote(r.Context(), "nothing", Act, "ann", "", nil); err == nil {
			t.Error("promoted what is not there")
		}
	})
}

func TestABreakerOpensAndIsClosedByAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.config.Inventory.Own = map[string]Own{"crash": {KeepsLevel: true, Flapping: Rate{Max: 100, Per: time.Hour}}}
		r.start()
		defer func() { r.stop() }()
		for range 2 {
			r.fails("web.service")
			r.mended("web.service")
		}
		r.did("restart web.service", "restart web.service")
		r.restarts(time.Minute)
		open, err := r.Breakers(r.Context())
		if err != nil || len(open) != 1 || open[0].Key() != "unit:web.service" {
			r.Fatalf("%v %+v", err, open)
		}
		if i := r.fails("web.service"); i.Reason != guard.ReasonBreaker {
			r.Fatalf("%s %s", i.State, i.Reason)
		}
		r.mended("web.service")
		if err := r.CloseBreaker(r.Context(), "unit:other.service", "ann", "", nil); err == nil {
			r.Error("a breaker that is not there was closed")
		}
		if err := r.CloseBreaker(r.Context(), "unit:web.service", "ann", "a new disk", nil); err != nil {
			r.Fatal(err)
		}
		r.fails("web.service")
		r.did("restart web.service", "restart web.service", "restart web.service")
		r.has(1, "the unit's breaker opened", func(e Event) bool { return e.BreakerOpened != nil && e.BreakerOpened.Playbook == "" })
		r.has(1, "the playbook's, by its third failure", func(e Event) bool { return e.BreakerOpened != nil && e.BreakerOpened.Playbook == "crash" })
	})
}

func TestAStormIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.units(7)
		r.start()
		defer r.stop()
		var all []alerts.Alert
		for n := range 7 {
			unit := fmt.Sprintf("u%d.service", n)
			r.world.Change(unit, func(u *enginetest.Unit) { u.Health = Unhealthy })
			all = append(all, about("UnitCrashed", unit, alerts.Firing))
		}
		r.takes(all...)
		r.after(2 * time.Minute)
		loud, quiet := 0, 0
		for _, i := range r.all() {
			switch {
			case i.Reason != ReasonStorm:
			case i.Quiet:
				quiet++
			default:
				loud++
			}
		}
		if loud != 1 || quiet < 5 || len(r.world.Done()) > 1 {
			r.Errorf("%d were told, %d were not, %v was done", loud, quiet, r.world.Done())
		}
		r.has(1, "a storm", func(e Event) bool { return e.StormBegan != nil })
		r.after(14 * time.Minute)
		r.world.Change("web.service", func(u *enginetest.Unit) { u.Health = Unhealthy })
		r.takes(about("UnitCrashed", "web.service", alerts.Firing))
		r.after(time.Minute)
		if i := r.last(); i.Reason == ReasonStorm {
			r.Error("the storm lasts longer than it should")
		}
	})
}

func TestWhatNeedsAnotherIsNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.units(6)
		for n := range 6 {
			r.config.Inventory.Units[fmt.Sprintf("u%d.service", n)] = ManagedUnit{Needs: []string{"db.service"}}
		}
		r.start()
		defer r.stop()
		for n := range 6 { // what hangs on it comes first
			unit := fmt.Sprintf("u%d.service", n)
			r.world.Change(unit, func(u *enginetest.Unit) { u.Health = Unhealthy })
		}
		r.takes(about("UnitCrashed", "u0.service", alerts.Firing), about("UnitCrashed", "db.service", alerts.Firing))
		r.takes(about("UnitCrashed", "u1.service", alerts.Firing), about("UnitCrashed", "u2.service", alerts.Firing), about("UnitCrashed", "u3.service", alerts.Firing), about("UnitCrashed", "u4.service", alerts.Firing))
		r.after(time.Minute)
		r.has(0, "a storm", func(e Event) bool { return e.StormBegan != nil })
	})
}

func TestWhatComesBackAgainAndAgainIsLeftToPeople(t *testing.T) {
	inBubble(t, func(r *rig) {
		for n := range 3 {
			r.world.Change("web.service", func(u *enginetest.Unit) { u.Health = Unhealthy })
			r.takes(about("UnitCrashed", "web.service", alerts.Firing))
			if n < 2 {
				r.world.Change("web.service", func(u *enginetest.Unit) { u.Health = Healthy })
				r.after(time.Second)
				r.takes(about("UnitCrashed", "web.service", alerts.Resolved))
				r.after(2 * time.Minute)
			}
		}
		r.after(3 * time.Minute)
		for _, i := range r.all() {
			if i.State.Live() && i.State != Escalated {
				r.Errorf("%s %s", i.State, i.Reason)
			}
		}
	})
}

func TestPeopleWhoAreAtWorkAreLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		set    func(r *rig)
		reason Reason
	}{
		"maintenance": {func(r *rig) {
			r.config.Inventory.Maintenance = []Maintenance{{Name: "always", Times: "- times: [{start_time: '00:00', end_time: '24:00'}]"}}
		}, guard.ReasonMaintenance},
		"silence": {func(r *rig) { r.world.Silenced(Silence{ID: "1", Ours: true}, Silence{ID: "2", By: "ann"}) }, guard.ReasonSilenced},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c.set(r)
				r.start()
				defer r.stop()
				r.world.Change("web.service", func(u *enginetest.Unit) { u.Health = Unhealthy })
				r.takes(about("UnitCrashed", "web.service", alerts.Firing))
				r.after(time.Minute)
				if i := r.last(); i.State != Suppressed || i.Reason != c.reason {
					r.Errorf("%s %s", i.State, i.Reason)
				}
				r.did()
			})
		})
	}
}

func TestOurOwnSilenceKeepsNobodyFromActing(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.world.Silenced(Silence{ID: "1", Ours: true})
		r.fails("web.service")
		r.did("restart web.service")
	})
}

func TestTheLastHealthyUnitOfAGroupStaysUp(t *testing.T) {
	for name, c := range map[string]struct {
		web, app Health
		reason   Reason
		did      []string
	}{
		"the other one is down":     {Healthy, Unhealthy, guard.ReasonMinHealthy, nil},
		"it is down itself":         {Unhealthy, Unhealthy, ReasonExhausted, []string{"restart web.service"}},
		"the other one stays":       {Healthy, Healthy, ReasonExhausted, []string{"restart web.service"}},
		"nobody knows of the other": {Healthy, Unknown, ReasonDeadline, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				p := ofUnit("leak", "Leak")
				p.Verify.Healthy = []string{"front"}
				r.config.Playbooks = append(r.config.Playbooks, p)
				r.config.Inventory.Groups = map[string]ManagedGroup{"front": {Units: []string{"web.service", "app.service"}, MinHealthy: 1}}
				r.start()
				defer r.stop()
				r.world.Says("front", Unhealthy)
				r.world.Change("web.service", func(u *enginetest.Unit) { u.Health = c.web })
				r.world.Change("app.service", func(u *enginetest.Unit) { u.Health = c.app })
				r.takes(about("Leak", "web.service", alerts.Firing))
				r.after(40 * time.Minute)
				if i := r.last(); i.State != Escalated || i.Reason != c.reason {
					r.Errorf("%s %s: %s", i.State, i.Reason, i.Detail)
				}
				r.did(c.did...)
			})
		})
	}
}

func TestNothingBeginsRightAfterABoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		booted := time.Now()
		r.config.Inventory.Limits.StartupGrace = 2 * time.Minute
		r.clock = func() Instant {
			return Instant{Wall: time.Now().UTC().Round(0), Boot: "b1", Up: time.Since(booted)}
		}
		r.start()
		defer r.stop()
		r.world.Change("web.service", func(u *enginetest.Unit) { u.Health = Unhealthy })
		r.takes(about("UnitCrashed", "web.service", alerts.Firing))
		r.after(time.Minute)
		r.is(Waiting, guard.ReasonStartingUp)
		r.did()
		r.after(65 * time.Second)
		r.did("restart web.service")
	})
}

// TestASourceThatFallsSilent: its absence is an alert, no end is believed, nothing
// begins; and all of that is over when it is heard again.
func TestASourceThatFallsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.config.Inventory.Sources = map[string]AlertSource{"rave": {
			Match: alerts.Matching(`alertname="Watchdog"`), Alerts: alerts.Matching(`alertname="UnitCrashed"`), Target: Unit("db.service"), Within: 3 * time.Minute,
		}}
		silent := ofUnit("silent", SourceSilentAlert)
		silent.Target = TargetRule{UnitLabel: "unit"}
		r.config.Playbooks = append(r.config.Playbooks, silent)
		r.start()
		defer r.stop()
		r.after(time.Hour)
		if len(r.log.Events()) != 0 {
			r.Fatal("a source that was never heard is waited for")
		}
		r.world.Change("app.service", func(u *enginetest.Unit) { u.Health = Unknown })
		r.takes(about("Watchdog", "", alerts.Firing), about("UnitCrashed", "app.service", alerts.Firing))
		r.after(2 * time.Minute)
		r.has(0, "silent", silentNow)
		r.after(2 * time.Minute)
		r.has(1, "silent", silentNow)
		if i := r.of("silent"); i.Target != Unit("db.service") || i.State != Waiting { // its probe says that all is well
			r.Errorf("%s of %s", i.State, i.Target)
		}
		r.takes(about("UnitCrashed", "app.service", alerts.Resolved))
		r.after(time.Minute)
		if i := r.of("crash"); !i.Firing {
			r.Error("an end was believed of a source that is silent")
		}
		r.world.Change("web.service", func(u *enginetest.Unit) { u.Health = Unhealthy })
		r.takes(about("UnitCrashed", "web.service", alerts.Firing))
		r.after(time.Minute)
		if i := r.last(); i.Wait == nil || i.Wait.Reason != guard.ReasonSourceSilent {
			r.Errorf("%s %s", i.State, i.Reason)
		}
		for range 10 {
			r.takes(about("Watchdog", "", alerts.Firing))
			r.after(time.Minute)
		}
		r.did("restart web.service")
		for _, e := range r.log.Events() {
			if e.Joined != nil && e.Joined.Doubted && e.Joined.Alert.Firing() {
				r.Error("a firing alert was doubted")
			}
		}
		ledger, err := r.log.Ledger()
		if err != nil || len(ledger.Doubted()) != 0 {
			r.Errorf("%v: the end is still not believed", err)
		}
	})
}

func silentNow(e Event) bool { return e.SourceChanged != nil && e.SourceChanged.To == SourceSilent }

// TestAFreezeStopsAnActionThatIsStillReading: the actuator asks last, and nothing was
// done; people get it.
func TestAnActionThatIsWithheldWasNotDone(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.world.Change("web.service", func(u *enginetest.Unit) {
			u.Health, u.Err = Unhealthy, fmt.Errorf("cannot restart web.service: %w: frozen by ann", ErrWithheld)
		})
		r.takes(about("UnitCrashed", "web.service", alerts.Firing))
		r.after(time.Minute)
		for _, e := range r.log.Events() {
			if e.Finished != nil && (!e.Finished.NotDone || !strings.Contains(e.Finished.Receipt.Detail, "did not happen")) {
				r.Errorf("%+v", e.Finished)
			}
		}
		r.did()
	})
}

func TestAFreezeFileIsOnRecord(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.frozen = &Freeze{By: "file", Reason: "/etc/nightshift/freeze"}
		if f, _ := r.Frozen(r.Context()); f == nil || r.Halted() == nil {
			r.Error("an actuator would act")
		}
		r.after(2 * time.Second)
		r.frozen = nil
		if f, _ := r.Frozen(r.Context()); f != nil || r.Halted() != nil {
			r.Error("an actuator would not act")
		}
		r.after(2 * time.Second)
		r.has(1, "frozen", func(e Event) bool { return e.Froze != nil && e.Froze.File })
		r.has(1, "thawed", func(e Event) bool { return e.Thawed != nil && e.Thawed.File })
		if _, err := r.Freeze(r.Context(), "ann", "", time.Hour, nil); err != nil || r.Halted() == nil {
			r.Error("a freeze by command is not seen at once")
		}
	})
}

// TestRatesHold: alerts about one unit come without end, and its restarts mend nothing
// for long.
func TestRatesHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.config.Inventory.Limits = Limits{Touched: []Rate{{Max: 2, Per: 3 * time.Hour}}, Flapping: Rate{Max: 1000, Per: time.Hour}, Breaker: BreakerLimits{Touched: 100, Playbook: 100}}
		r.config.Inventory.Own = map[string]Own{"crash": {KeepsLevel: true}}
		r.start()
		defer r.stop()
		for range 12 {
			r.fails("web.service")
			r.mended("web.service")
		}
		events := r.log.Events()
		var at []Instant
		refused := false
		for _, e := range events {
			if e.Started != nil {
				at = append(at, e.At)
			}
			refused = refused || e.Ended != nil && e.Ended.Reason == guard.ReasonRate
		}
		for n := 2; n < len(at); n++ {
			if at[n].Since(at[n-2]) < 3*time.Hour {
				r.Errorf("three attempts within %s", at[n].Since(at[n-2]))
			}
		}
		if len(at) < 4 || !refused {
			r.Errorf("%d attempts, refused %v: the window never opened again, or never closed", len(at), refused)
		}
	})
}
