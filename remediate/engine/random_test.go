package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"nightshift/alerts"
	. "nightshift/remediate"
	"nightshift/remediate/engine/enginetest"
)

// happens lets something happen to the host, to its agent, or to what it hears.
func (r *rig) happens(dice *rand.Rand) {
	units := []string{"db.service", "app.service", "web.service"}
	unit := units[dice.IntN(3)]
	health := []Health{Healthy, Unhealthy, Unhealthy, Unhealthy, Unknown}[dice.IntN(5)]
	status := []alerts.Status{alerts.Firing, alerts.Firing, alerts.Resolved}[dice.IntN(3)]
	switch dice.IntN(12) {
	case 0, 1:
		r.deliver(down(status)) // fails when the engine dies of it
	case 2, 3:
		r.deliver(about("UnitCrashed", unit, status), about("UnitSlow", unit, status))
	case 4:
		r.world.Says("front", health)
	case 5:
		r.world.Says("unit:"+unit, health)
	case 6:
		result := []Result{"", "", Failed, Canceled}[dice.IntN(4)]
		r.world.Change(unit, func(u *enginetest.Unit) { u.Result, u.Takes = result, time.Duration(dice.IntN(30))*time.Second })
	case 7:
		r.world.Change(unit, func(u *enginetest.Unit) { u.Mends = []string{"front", "unit:" + unit}[:dice.IntN(3)] })
	case 8:
		r.world.Change(unit, func(u *enginetest.Unit) { u.Settling = dice.IntN(4) == 0 })
	case 9:
		r.restarts(time.Duration(dice.IntN(600)) * time.Second)
	case 10:
		fate := []enginetest.Fate{enginetest.Refused, enginetest.Refused, enginetest.DiesFirst, enginetest.DiesAfter}[dice.IntN(4)]
		left := dice.IntN(4)
		r.log.Decide(func(int, Event) enginetest.Fate {
			if left--; left < 0 {
				return enginetest.Stored
			}
			return fate
		})
	case 11:
		for _, i := range r.known() {
			r.Say(r.Context(), string(i.ID), Said{Verb: []string{PersonCloses, PersonResumes, PersonResumes, PersonAcks, PersonCancels, PersonComments}[dice.IntN(6)], By: "ann", Force: dice.IntN(2) == 0})
		}
	}
}

// known are the incidents; none when the engine has just died.
func (r *rig) known() []Incident {
	all, _ := r.Incidents(r.Context())
	return all
}

// obeys holds the whole log, and what was done, to the rules.
func (r *rig) obeys() {
	r.Helper()
	r.alone(r.config.MaxActing)
	ledger, mayAct := NewLedger(), 0
	recent := map[Target][]time.Time{}
	for _, e := range r.log.Events() {
		if err := ledger.Apply(e); err != nil {
			r.Fatal(err)
		}
		i := ledger.Incidents[e.Incident]
		switch {
		case e.Started != nil && i.Reason != "":
			r.Fatalf("a step was started though people have it\n%s", r.story())
		case e.Started != nil && !i.Firing && e.Started.Rung == 0: // a later rung goes by the probes
			r.Fatalf("a step was started though the alert is gone\n%s", r.story())
		case e.Started != nil:
			mayAct++
			on := e.Started.What.On
			if !e.Started.Again {
				recent[on] = append(recent[on], e.At.Wall)
			}
			if n := len(recent[on]); n > DefaultAttempts && recent[on][n-1].Sub(recent[on][n-1-DefaultAttempts]) < DefaultPer {
				r.Fatalf("%s was acted on more than %d times within %s\n%s", on, DefaultAttempts, DefaultPer, r.story())
			}
		case e.Finished != nil && e.Finished.NotDone:
			mayAct--
		}
	}
	if n := len(r.world.Done()); n > mayAct {
		r.Fatalf("%d acts, and intents for %d\n%s", n, mayAct, r.story())
	}
}

// TestWhateverHappens throws dice for four hours, and then lets the world be.
func TestWhateverHappens(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				dice := rand.New(rand.NewPCG(seed, 7))
				r.config.MaxActing = 1 + dice.IntN(2)
				r.Configure(r.config)
				for range 250 {
					r.happens(dice)
					r.after(time.Duration(dice.IntN(120)) * time.Second)
					if r.dead() {
						r.restarts(time.Duration(dice.IntN(60)) * time.Second)
					}
				}
				r.log.Decide(nil)
				r.restarts(0)
				r.after(31 * time.Minute)
				r.obeys()
				for _, i := range r.all() {
					if i.State.Live() && i.State != Escalated && i.Overdue(r.clock()) {
						r.Errorf("%s is %s after its deadline", i.ID, i.State)
					}
				}
			})
		})
	}
}

// dead reports whether the engine has ended by itself.
func (r *rig) dead() bool {
	select {
	case err := <-r.ended:
		r.ended <- err
		return true
	default:
		return false
	}
}
