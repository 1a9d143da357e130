package engine_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/alerts"
	. "nightshift/remediate"
	"nightshift/remediate/engine/enginetest"
	"nightshift/remediate/guard"
)

// hangs makes a restart of one unit take others along.
func (r *rig) hangs(on string, units ...string) {
	r.world.Change(on, func(u *enginetest.Unit) { u.Along = units })
}

// crashes makes a unit unhealthy, which its restart mends, and lets its alert fire.
func (r *rig) crashes(unit string) {
	r.Helper()
	r.world.Says(UnitProbe(unit), Unhealthy)
	r.world.Change(unit, func(u *enginetest.Unit) { u.Mends = []string{UnitProbe(unit)} })
	r.takes(about("UnitCrashed", unit, alerts.Firing))
}

func TestWhatIsTakenAlongIsTouched(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.hangs("db.service", "app.service")
		r.world.Says(UnitProbe("app.service"), Unhealthy) // and its restart does not mend it
		r.crashes("db.service")
		r.after(30 * time.Second)
		i := r.last()
		if i.State != Verifying || !slices.Contains(i.Touching(), Unit("app.service")) {
			t.Fatalf("it is %s and touches %v", i.State, i.Touching())
		}
		if !slices.Contains(i.Probes(), UnitProbe("app.service")) {
			t.Errorf("it asks %v", i.Probes())
		}
		r.takes(about("UnitCrashed", "app.service", alerts.Firing))
		r.after(5 * time.Second)
		if second := r.last(); second.State != Waiting || second.Wait.Reason != guard.ReasonBusy {
			t.Errorf("one about what was taken along is %s: %+v", second.State, second.Wait)
		}
		ledger, err := r.log.Ledger()
		if err != nil {
			t.Fatal(err)
		}
		var on []string
		for _, a := range ledger.Attempts {
			on = append(on, a.On.Name)
		}
		if got := strings.Join(on, " "); got != "db.service app.service" {
			t.Errorf("attempts were counted on %s", got)
		}
		if ledger.Ours[Unit("app.service")] != "i2" {
			t.Error("the start of what was taken along passes for somebody else's")
		}
		r.after(5 * time.Minute)
		if got := r.all()[0]; got.State != Escalated || !strings.Contains(got.Detail, "app.service") {
			t.Errorf("what was taken along is not well, and it is %s: %s", got.State, got.Detail)
		}
	})
}

func TestWhatTheInventoryDoesNotNameIsNotTakenAlong(t *testing.T) {
	for unit, why := range map[string]Reason{"secret.service": ReasonUnknownTarget, "sshd.service": guard.ReasonDenied} {
		inBubble(t, func(r *rig) {
			if unit == "sshd.service" {
				r.config.Inventory.Units[unit] = ManagedUnit{}
				r.Configure(r.config)
			}
			r.world.Add(unit)
			r.hangs("db.service", unit)
			r.crashes("db.service")
			r.after(10 * time.Second)
			if i := r.last(); i.State != Escalated || i.Reason != why || !strings.Contains(i.Detail, unit) {
				t.Errorf("%s: it is %s (%s: %s)", unit, i.State, i.Reason, i.Detail)
			}
			if done := r.world.Done(); len(done) > 0 {
				t.Errorf("%s: done is %v", unit, done)
			}
		})
	}
}

// What comes up between the plan and the act is judged before it is taken along: it is
// planned anew, and what the new plan may not do is not done.
func TestWhatHangsOnItSinceThePlanIsPlannedAnew(t *testing.T) {
	inBubble(t, func(r *rig) {
		release := r.world.Hang("see") // the evidence comes after the plan
		r.world.Says("front", Unhealthy)
		r.world.Change("db.service", func(u *enginetest.Unit) { u.Mends = []string{"front"} })
		r.takes(down(alerts.Firing))
		r.after(time.Second)
		r.hangs("db.service", "app.service")
		release()
		r.after(time.Second)
		if done := r.world.Done(); len(done) > 0 {
			t.Fatalf("done is %v", done)
		}
		r.has(1, "the step waits for a new plan", func(e Event) bool {
			return e.Judged != nil && e.Judged.BeforeEffect && e.Judged.Verdict.Reason == guard.ReasonTakesChanged
		})
		r.after(time.Minute + 20*time.Second)
		if i := r.last(); i.State != Resolved || i.Plan.Rungs[0].Steps[0].Takes[0] != Unit("app.service") {
			t.Errorf("it is %s (%s), with the plan %+v", i.State, i.Detail, i.Plan)
		}
	})
}

// Once the ladder was begun the plan stays: what hangs on the next rung by then, and
// is not of it, is not taken along.
func TestALadderTakesNoMoreAlongThanItsPlan(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.world.Says("front", Unhealthy)
		r.takes(down(alerts.Firing))
		r.after(20 * time.Second) // the first rung is being verified
		r.hangs("app.service", "web.service")
		r.after(5 * time.Minute)
		if i := r.last(); i.State != Escalated || i.Reason != guard.ReasonTakesMore {
			t.Errorf("it is %s (%s: %s)", i.State, i.Reason, i.Detail)
		}
		if done := r.world.Done(); len(done) != 1 {
			t.Errorf("done is %v", done)
		}
	})
}

func TestWhatItTakesAlongCantBeRead(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.world.Change("db.service", func(u *enginetest.Unit) { u.AlongErr = errors.New("no bus") })
		r.crashes("db.service")
		r.after(5 * time.Second)
		if i := r.last(); i.State != Waiting || i.Wait.Reason != guard.ReasonTakesUnread {
			t.Errorf("it is %s (%+v), want it waiting until it can be read", i.State, i.Wait)
		}
		r.did()
		r.world.Change("db.service", func(u *enginetest.Unit) { u.AlongErr = nil })
		r.after(2 * time.Minute)
		if i := r.last(); i.State != Resolved {
			t.Errorf("once it can be read it is %s (%s)", i.State, i.Detail)
		}
	})
}
