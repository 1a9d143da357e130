package engine_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightshift/alerts"
	. "nightshift/remediate"
	"nightshift/remediate/engine/enginetest"
)

// onVM is a rung of verbs on the incident's own VM.
func onVM(name string, to Source, verbs ...Verb) Rung {
	r := Rung{Name: name}
	for _, verb := range verbs {
		move := Move{Do: verb, On: Selector{What: TheTarget}, Timeout: 30 * time.Second}
		if verb == VerbSwap {
			move.To = to
		}
		r.Do = append(r.Do, move)
	}
	return r
}

var rollBack = onVM("roll back", LastKnownGood, VerbPowerDown, VerbSwap, VerbBoot)

// withVM runs a test about a VM that an update broke: it runs and is not healthy,
// and would be on "good".
func withVM(t *testing.T, alone Risk, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.config.Inventory.VMs = map[string]ManagedVM{"rave": {Unit: "rave-vm.service", Healthy: []string{"front"}, Boots: time.Minute, Alone: alone, RollbackEvery: 6 * time.Hour}}
		r.config.Playbooks = []Playbook{{
			Name: "vm-down", Match: alerts.Matching(`alertname="Down"`), Target: TargetRule{VM: "rave"},
			Ladder: []Rung{rollBack}, Verify: Verify{Healthy: []string{string(TheTarget)}},
			Attempts: Attempts{Cooldown: time.Minute},
		}}
		r.config.Asked = []Playbook{
			{Name: "vm-checkpoint", Target: TargetRule{Asked: true}, Ladder: []Rung{onVM("keep", "", VerbCheckpoint)}},
			{Name: "vm-rollback", Target: TargetRule{Asked: true}, Ladder: []Rung{rollBack}, Verify: Verify{Healthy: []string{string(TheTarget)}}},
		}
		r.world.ChangeVM(func(m *enginetest.Machine) {
			*m = enginetest.Machine{Alive: true, Disk: "bad", Good: "good", Mends: []string{"good"}}
		})
		r.world.Says("front", Unhealthy)
		r.registry = prometheus.NewRegistry()
		r.start()
		defer r.stop()
		f(r)
	})
}

// approve says yes to what the only incident would do next.
func (r *rig) approve() {
	r.Helper()
	i := r.one()
	if _, err := r.Say(r.Context(), string(i.ID), Said{Verb: PersonApproves, By: "ann", Approves: Rollback, Plan: i.Plan.Rungs[i.Rung].Digest}); err != nil {
		r.Fatal(err)
	}
	synctest.Wait()
}

var wholeWay = []string{"power-down rave", "swap rave to good", "boot rave"}

func TestARollbackWaitsForAPersonThenGoesThrough(t *testing.T) {
	withVM(t, Restart, func(r *rig) {
		r.takes(down(alerts.Firing))
		r.is(Held, "")
		r.did()
		r.approve()
		r.after(5 * time.Minute)
		r.is(Resolved, ReasonFixed)
		r.did(wholeWay...)
	})
}

func TestTheTimeOfARollbackAndOfItsApproval(t *testing.T) {
	withVM(t, Restart, func(r *rig) {
		r.takes(down(alerts.Firing))
		r.after(7 * time.Minute)
		r.approve()
		r.after(5 * time.Minute)
		r.is(Resolved, ReasonFixed)
		if took := r.sum("nightshift_time_to_acknowledge_seconds"); took != 420 {
			r.Errorf("acknowledged after %v s", took)
		}
		if took := r.sum("nightshift_time_to_roll_back_seconds"); took < 3 || took > 10 {
			r.Errorf("rolled back in %v s: three steps of one second each, and the probes' first look", took)
		}
	})
}

// sum is that of a histogram.
func (r *rig) sum(name string) float64 {
	r.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.Metric[0].GetHistogram().GetSampleSum()
		}
	}
	r.Fatalf("there is no %s", name)
	return 0
}

func TestAloneItGoesBackOnlyToWhatBooted(t *testing.T) {
	withVM(t, Rollback, func(r *rig) {
		r.takes(down(alerts.Firing)) // its last-known-good has no grade
		r.is(Held, "")
	})
}

func TestAFreezeDoesNotLeaveAVMDown(t *testing.T) {
	withVM(t, Restart, func(r *rig) {
		r.takes(down(alerts.Firing))
		release := r.world.Hang("do rave")
		r.approve()
		if _, err := r.Freeze(r.Context(), "ann", "stop", 0, nil); err != nil {
			r.Fatal(err)
		}
		release()
		r.after(5 * time.Minute)
		r.is(Resolved, ReasonFixed)
		r.did(wholeWay...)
	})
}

func TestAFailedExchangeStartsTheVMAgain(t *testing.T) {
	withVM(t, Restart, func(r *rig) {
		r.world.ChangeVM(func(m *enginetest.Machine) { m.Fails = map[Verb]error{VerbSwap: errors.New("the disk is full")} })
		r.takes(down(alerts.Firing))
		r.approve()
		r.after(10 * time.Minute)
		if i := r.is(Escalated, ReasonExhausted); !strings.Contains(i.Tried[0].Results[1].Detail, "the disk is full") {
			r.Errorf("people are not told why: %+v", i.Tried[0].Results)
		}
		if vm := r.world.VM(); !vm.Alive || vm.Disk != "bad" {
			r.Errorf("%+v", vm)
		}
	})
}

// TestAKilledRollback kills the agent at every durable boundary of a rollback: it
// goes on to its end, exchanges the disks once and starts the VM once.
func TestAKilledRollback(t *testing.T) {
	for _, boundary := range []string{"step.started.before", "step.started.after", "step.effect.before", "step.effect.after", "step.finished.before", "step.finished.after"} {
		for n := range 3 {
			t.Run(boundary+wholeWay[n], func(t *testing.T) {
				withVM(t, Restart, func(r *rig) {
					r.takes(down(alerts.Firing))
					r.killAt(boundary, n+1)
					r.approve()
					r.after(10 * time.Second)
					r.restarts(10 * time.Second)
					r.after(10 * time.Minute)
					i := r.one()
					if i.State == Held { // it had not begun: a yes is for one climb that begins soon
						r.approve()
						r.after(10 * time.Minute)
					}
					r.is(Resolved, ReasonFixed)
					if vm := r.world.VM(); vm.Swaps != 1 || vm.Starts != 1 || vm.Disk != "good" {
						r.Errorf("%+v\n%s", vm, r.story())
					}
				})
			})
		}
	}
}

// TestAYesDoesNotOutliveACrash: the agent was killed before anything was done, and was
// down for longer than a yes lasts.
func TestAYesDoesNotOutliveACrash(t *testing.T) {
	withVM(t, Restart, func(r *rig) {
		r.takes(down(alerts.Firing))
		r.killAt("step.started.after", 1)
		r.approve()
		r.restarts(16 * time.Minute)
		r.after(10 * time.Second)
		r.is(Held, "")
		r.did()
		r.approve()
		r.after(5 * time.Minute)
		r.is(Resolved, ReasonFixed)
		r.did(wholeWay...)
	})
}

func TestASecondRollbackIsForPeople(t *testing.T) {
	withVM(t, Restart, func(r *rig) {
		r.takes(down(alerts.Firing))
		r.approve()
		r.after(5 * time.Minute)
		r.is(Resolved, ReasonFixed)
		r.takes(down(alerts.Resolved))
		r.after(time.Hour)
		r.world.Says("front", Unhealthy)
		r.takes(down(alerts.Firing))
		r.after(time.Minute)
		r.is(Escalated, "rolled_back_already")
		r.did(wholeWay...)
	})
}

func TestAPersonAsks(t *testing.T) {
	withVM(t, Restart, func(r *rig) {
		i, err := r.Start(r.Context(), "vm-checkpoint", VM("rave"), Asked{By: "ann", Checkpoint: "before"})
		if err != nil || i.Asked.By != "ann" {
			r.Fatalf("%+v %v", i.Asked, err)
		}
		r.after(2 * time.Second)
		r.did("checkpoint rave")
		for _, wrong := range []struct{ playbook, vm string }{{"vm-down", "other"}, {"vm-checkpoint", "other"}, {"", "rave"}} {
			if _, err := r.Start(r.Context(), wrong.playbook, VM(wrong.vm), Asked{By: "ann"}); err == nil {
				r.Errorf("%v was started", wrong)
			}
		}
		if _, err := r.Start(r.Context(), "vm-rollback", VM("rave"), Asked{By: "ann"}); err != nil {
			r.Fatal(err)
		}
		r.after(time.Second)
		r.approve()
		r.after(5 * time.Minute)
		r.did(append([]string{"checkpoint rave"}, wholeWay...)...)
	})
}

// What an alert would start a person may start, too, once by one signature.
func TestAPersonRunsAPlaybook(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.world.Change("db.service", func(u *enginetest.Unit) { u.Mends = []string{"front"} })
		proof := &Proof{Key: "U", Nonce: "0123456789abcdef", Expires: r.clock().Add(time.Minute)}
		if _, err := r.Start(r.Context(), "three", Target{}, Asked{By: "ann", Proof: proof}); err != nil {
			r.Fatal(err)
		}
		if _, err := r.Start(r.Context(), "crash", Unit("db.service"), Asked{By: "ann"}); err == nil {
			r.Error("a playbook was started whose target comes from an alert")
		}
		r.after(5 * time.Minute)
		r.has(1, "opened by ann", func(e Event) bool {
			return e.Opened != nil && e.Opened.Asked.By == "ann" && e.Opened.Target == Host("h1")
		})
		r.has(1, "fixed", func(e Event) bool {
			return e.Ended != nil && e.Ended.State == Resolved && e.Ended.Reason == ReasonFixed
		})
		r.did("restart db.service")
		r.restarts(time.Second)
		if _, err := r.Start(r.Context(), "three", Target{}, Asked{By: "ann", Proof: proof}); err == nil {
			r.Error("the same signature started it again")
		}
	})
}

func TestInsideAVMThatWentBack(t *testing.T) {
	inBubble(t, func(r *rig) {
		if err := r.Awake(r.Context(), "01A", Position{}); err != nil {
			r.Fatal(err)
		}
		r.breaks("")
		r.world.Change("db.service", func(u *enginetest.Unit) { u.Takes = time.Hour })
		r.takes(down(alerts.Firing))
		r.is(Acting, "")
		r.Freeze(r.Context(), "ann", "a night off", 0, nil)
		r.restarts(time.Minute)
		before := Position{Message: r.next + 5} // alerts that came before it went down, and were not read
		if err := r.Awake(r.Context(), "01B", before); err != nil {
			r.Fatal(err)
		}
		r.is(Escalated, ReasonWentBack)
		if f, _ := r.Frozen(r.Context()); f == nil {
			r.Error("the freeze was forgotten")
		}
		at, err := r.Cursor(r.Context())
		if err != nil || at.Message != before.Message {
			r.Errorf("alerts are read behind %v, %v", at, err)
		}
		n := len(r.log.Events())
		if err := r.Awake(r.Context(), "01B", before); err != nil || len(r.log.Events()) != n {
			r.Errorf("the same epoch is news: %v", err)
		}
	})
}

func TestInsideAVMItStandsAside(t *testing.T) {
	inBubble(t, func(r *rig) {
		until := r.clock().Add(3 * time.Minute)
		if err := r.StandAside(r.Context(), until, "its host"); err != nil {
			r.Fatal(err)
		}
		if err := r.StandAside(r.Context(), r.clock().Add(time.Minute), "its host"); err != nil {
			r.Fatal(err)
		}
		r.breaks("db.service")
		r.takes(down(alerts.Firing))
		r.is(Waiting, "hosts_turn")
		r.restarts(time.Minute)
		r.after(100 * time.Second)
		r.did()
		r.after(5 * time.Minute)
		r.is(Resolved, ReasonFixed)
	})
}
