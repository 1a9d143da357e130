package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"nightshift/alerts"
	. "nightshift/remediate"
	"nightshift/remediate/engine/enginetest"
)

// of is the incident of a playbook.
func (r *rig) of(playbook string) Incident {
	r.Helper()
	var found []Incident
	for _, i := range r.all() {
		if i.Playbook.Name == playbook {
			found = append(found, i)
		}
	}
	if len(found) == 0 {
		r.Fatalf("no incident of %s\n%s", playbook, r.story())
	}
	return found[len(found)-1]
}

// alone fails if two intents on one thing, or more than so many at all, were ever
// open at the same time.
func (r *rig) alone(most int) {
	r.Helper()
	ledger := NewLedger()
	for _, e := range r.log.Events() {
		if err := ledger.Apply(e); err != nil {
			r.Fatal(err)
		}
		var acting []Target
		n := 0
		for _, i := range ledger.Live() {
			if touching := i.Touching(); len(touching) > 0 {
				n++
				for _, on := range touching {
					if slices.ContainsFunc(acting, on.Overlaps) {
						r.Fatalf("two incidents are at work on %s\n%s", on, r.story())
					}
				}
				acting = append(acting, touching...)
			}
		}
		if n > most {
			r.Fatalf("%d incidents are at work at once\n%s", n, r.story())
		}
	}
}

func TestTwoIncidentsOnOneUnit(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.world.Says("unit:db.service", Unhealthy)
		r.takes(about("UnitCrashed", "db.service", alerts.Firing), about("UnitSlow", "db.service", alerts.Firing))
		if i := r.of("slow"); i.State != Waiting || i.Wait.Reason != ReasonTargetTaken {
			r.Fatalf("the second is %s", i.State)
		}
		r.after(4 * time.Minute)
		if i := r.of("crash"); i.State != Escalated || i.Reason != ReasonExhausted {
			r.Fatalf("the first is %s (%s)", i.State, i.Reason)
		}
		if i := r.of("slow"); i.State != Waiting || i.Wait.Reason != "cooldown" {
			r.Fatalf("the second is %s %+v, should cool down", i.State, i.Wait)
		}
		r.after(20 * time.Minute)
		r.did("restart db.service", "restart db.service")
		r.alone(1)
	})
}

func TestAHostAndItsUnits(t *testing.T) {
	inBubble(t, func(r *rig) {
		// The unit's incident is at work when the host's comes, whose first rung
		// touches the same unit.
		r.world.Says("unit:db.service", Unhealthy)
		r.world.Change("db.service", func(u *enginetest.Unit) { u.Mends = []string{"unit:db.service"} })
		r.takes(about("UnitCrashed", "db.service", alerts.Firing))
		r.breaks("app.service")
		r.takes(down(alerts.Firing))
		if i := r.of("three"); i.State != Waiting || i.Wait.On != r.of("crash").ID {
			r.Fatalf("the host's incident is %s %+v", i.State, i.Wait)
		}
		r.after(20 * time.Minute)
		if i := r.of("three"); i.State != Resolved {
			r.Fatalf("the host's incident is %s (%s)", i.State, i.Reason)
		}
		r.did("restart db.service", "restart db.service", "restart app.service")
		r.alone(1)
	})
}

func TestHowManyActAtOnce(t *testing.T) {
	for most := 1; most <= 2; most++ {
		inBubble(t, func(r *rig) {
			r.config.MaxActing = most
			r.Configure(r.config)
			for _, unit := range []string{"db.service", "app.service", "web.service"} {
				r.world.Says("unit:"+unit, Unhealthy)
				r.world.Change(unit, func(u *enginetest.Unit) { u.Mends = []string{"unit:" + unit} })
				r.takes(about("UnitCrashed", unit, alerts.Firing))
			}
			at := 0
			for _, i := range r.all() {
				if i.State == Verifying {
					at++
				}
			}
			if at != most {
				r.Errorf("%d are at work, %d may", at, most)
			}
			r.after(10 * time.Minute)
			for _, i := range r.all() {
				if i.State != Resolved {
					r.Errorf("%s is %s (%s)", i.Target, i.State, i.Reason)
				}
			}
			r.alone(most)
		})
	}
}

func TestTwoInTheMiddleOfARungDoNotWaitForEachOther(t *testing.T) {
	inBubble(t, func(r *rig) {
		pair := func(name, first, second string) Playbook {
			p := ofUnit(name, name)
			p.Target = TargetRule{Unit: first}
			p.Ladder[0].Do = []Move{{Do: VerbRestart, On: Selector{Unit: first}}, {Do: VerbRestart, On: Selector{Unit: second}}}
			r.world.Says("unit:"+first, Unhealthy)
			r.world.Change(first, func(u *enginetest.Unit) { u.Takes, u.Mends = 10*time.Second, []string{"unit:" + first} })
			return p
		}
		r.world = enginetest.NewWorld("a1.service", "a2.service", "b1.service", "b2.service")
		r.stop()
		r.config.Inventory.Units = map[string]ManagedUnit{"a1.service": {}, "a2.service": {}, "b1.service": {}, "b2.service": {}}
		r.config.Playbooks = []Playbook{pair("A", "a1.service", "a2.service"), pair("B", "b1.service", "b2.service")}
		r.config.MaxActing = 2
		r.start()
		r.takes(about("A", "", alerts.Firing), about("B", "", alerts.Firing))
		r.config.MaxActing = 1
		r.Configure(r.config)
		r.after(3 * time.Minute)
		for _, i := range r.all() {
			if i.State != Resolved {
				r.Errorf("%s is %s %+v", i.Playbook.Name, i.State, i.Wait)
			}
		}
		r.alone(2)
	})
}

func TestARungIsOneAttemptHoweverManyStepsItHas(t *testing.T) {
	inBubble(t, func(r *rig) {
		p := &r.config.Playbooks[0]
		p.Attempts = Attempts{Max: 1}
		p.Ladder[0].Do = append(p.Ladder[0].Do, p.Ladder[0].Do...)
		p.Ladder[1].Do = p.Ladder[0].Do
		r.Configure(r.config)
		r.breaks("")
		r.takes(down(alerts.Firing))
		r.after(5 * time.Minute)
		r.is(Escalated, "attempts_spent")
		r.did("restart db.service", "restart db.service")
	})
}

func TestWhatWasHandedBackDoesNotWaitForWhatWaitsForIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		other := threeRungs()
		other.Name, other.Match = "other", alerts.Matching(`alertname="Other"`)
		other.Attempts.Cooldown = time.Second
		r.config.Playbooks = append(r.config.Playbooks, other)
		r.config.Playbooks[0].Attempts.Cooldown = time.Second
		r.Configure(r.config)
		r.breaks("")
		r.frozen = &Freeze{By: "file"}
		r.takes(down(alerts.Firing))
		r.frozen = nil
		first := r.of("three")
		if first.State != Escalated {
			r.Fatalf("the first is %s", first.State)
		}
		r.takes(about("Other", "", alerts.Firing))
		if _, err := r.Say(r.Context(), string(first.ID)[:4], Said{Verb: PersonResumes, By: "ann"}); err != nil {
			r.Fatal(err)
		}
		r.after(8 * time.Minute)
		if i := r.of("other"); i.State != Escalated || i.Reason != ReasonExhausted {
			r.Fatalf("what had the target is %s %+v (%s)", i.State, i.Wait, i.Reason)
		}
		if i := r.of("three"); i.State == Waiting && i.Wait.On != "" {
			r.Errorf("what was handed back waits for %+v", i.Wait)
		}
		r.alone(1)
	})
}

func TestWhatHungOnAnIncidentIsJudgedWhenThatIsOver(t *testing.T) {
	for _, crash := range []bool{false, true} {
		inBubble(t, func(r *rig) {
			r.breaks("")
			r.world.Says("unit:web.service", Unhealthy)
			r.frozen = &Freeze{By: "file"}
			r.world.Change("db.service", func(u *enginetest.Unit) { u.Settling = true })
			r.frozen = nil
			r.takes(down(alerts.Firing))
			r.takes(about("UnitCrashed", "web.service", alerts.Firing))
			if n := len(r.all()); n != 1 {
				r.Fatalf("%d incidents; the unit's alert hangs on the host's", n)
			}
			if crash {
				r.log.Decide(func(_ int, e Event) enginetest.Fate {
					if e.Ended != nil {
						return enginetest.DiesAfter
					}
					return enginetest.Stored
				})
			}
			r.after(31 * time.Minute)
			if crash {
				r.restarts(0)
			}
			r.after(2 * time.Second)
			if i := r.of("crash"); i.Target != Unit("web.service") || i.Follows != r.of("three").ID {
				r.Errorf("%s follows %s", i.Target, i.Follows)
			}
			r.after(5 * time.Minute)
			r.did("restart web.service")
		})
	}
}

func TestAStormOfUnknownTargetsLeavesNothingBehind(t *testing.T) {
	inBubble(t, func(r *rig) {
		for n := range 200 {
			r.takes(about("UnitCrashed", fmt.Sprintf("pod-%d", n), alerts.Firing))
		}
		for _, i := range r.all() {
			if i.State != Escalated || i.Reason != ReasonUnknownTarget {
				r.Fatalf("%s (%s)", i.State, i.Reason)
			}
		}
		for n := range 200 {
			r.takes(about("UnitCrashed", fmt.Sprintf("pod-%d", n), alerts.Resolved))
		}
		r.after(20 * time.Minute)
		if n := len(r.all()); n != 0 {
			r.Errorf("%d incidents are kept", n)
		}
		r.did()
	})
}
