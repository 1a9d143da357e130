package remediate_test

import (
	"strings"
	"testing"
	"time"

	"nightshift/alerts"
	. "nightshift/remediate"
)

var (
	theVM = Selector{What: TheTarget}
	good  = Image{Name: "2026-11-01", Digest: "d1", Grade: BootProved, From: map[string]string{"system": "system-1.qcow2"}, Keep: []string{"data"}}
	// running is a VM that runs, with a last-known-good.
	running = Machine{Alive: true, State: "running", Images: map[Source]Image{LastKnownGood: good}}
)

// goBack is the rung of a rollback.
var goBack = Rung{Name: "roll back", Do: []Move{
	{Do: VerbPowerDown, On: theVM}, {Do: VerbSwap, On: theVM, To: LastKnownGood}, {Do: VerbBoot, On: theVM},
}}

// vmDown is a playbook for a VM that is down.
func vmDown() Playbook {
	return Playbook{
		Name: "vm-down", Match: alerts.Matching(`alertname="Down"`), Target: TargetRule{VM: "rave"},
		Look: []Look{{What: SeeScreen}},
		Ladder: []Rung{
			{Name: "let it go on", Do: []Move{{Do: VerbCont, On: Selector{What: PausedVM}}}},
			{Name: "reset it", Do: []Move{{Do: VerbReset, On: Selector{What: StuckVM}}}},
			goBack,
		},
		Verify: Verify{Healthy: []string{"target"}, Settle: 5 * time.Second, Window: time.Minute},
	}.WithDefaults()
}

// planned is the plan of a playbook for the VM as it stands.
func planned(t tb, p Playbook, m Machine) Plan {
	t.Helper()
	plan, err := MakePlan(p, VM("rave"), Seen{Inventory: site, Machine: &m})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// onlyBack is an incident about the VM whose one rung is the rollback, at the
// first intent.
func onlyBack(t tb) *life {
	t.Helper()
	p := vmDown()
	p.Ladder = p.Ladder[2:]
	return opensVM(t, p).allowed()
}

// opensVM is a new incident about the VM.
func opensVM(t tb, p Playbook) *life {
	t.Helper()
	l := &life{t: t, now: noon, plan: planned(t, p, running)}
	l.apply(Event{Type: IncidentOpened, Incident: "AAAA1111", At: l.now, Opened: &Opened{
		Alert: alert("Down", alerts.Firing), Received: l.now, Position: Position{Message: 1}, Playbook: p, Target: VM("rave"),
	}})
	return l.give(Input{Woken: true})
}

// askedFor is an incident that a person asked for.
func askedFor(t tb, p Playbook) *life {
	t.Helper()
	p = p.WithDefaults()
	l := &life{t: t, now: noon, plan: planned(t, p, running)}
	l.apply(NewLedger().Ask(p, VM("rave"), Asked{By: "ann", Checkpoint: "before"}, site, "AAAA1111", l.now))
	return l.give(Input{Woken: true})
}

func TestThePlanForAVMFollowsHowItStands(t *testing.T) {
	paused, down, bare := running, running, running
	paused.Paused, down.Alive = true, false
	bare.Images, bare.Lacks = nil, map[Source]string{LastKnownGood: "nothing was promoted yet"}
	for _, c := range []struct {
		name  string
		m     Machine
		rungs string
	}{
		{"running and not healthy", running, "reset it, roll back"},
		{"paused", paused, "let it go on, roll back"},
		{"down", down, "roll back"},
		{"without a last-known-good", bare, "reset it"},
	} {
		plan := planned(t, vmDown(), c.m)
		var names []string
		for _, rung := range plan.Rungs {
			names = append(names, rung.Name)
		}
		if got := strings.Join(names, ", "); got != c.rungs {
			t.Errorf("%s: %s, should be %s", c.name, got, c.rungs)
		}
	}
	if plan := planned(t, vmDown(), bare); len(plan.LeftOut) != 1 || plan.LeftOut[0] != "roll back: nothing was promoted yet" {
		t.Errorf("left out: %q", plan.LeftOut)
	}
}

func TestThePlanForAVMNamesWhatGoesBack(t *testing.T) {
	plan := planned(t, vmDown(), running)
	swap := plan.Rungs[1].Steps[1]
	if swap.Do != VerbSwap || swap.Image == nil || swap.Image.Name != "2026-11-01" || swap.Risk != Rollback || swap.On != VM("rave") {
		t.Errorf("%+v", swap)
	}
	if got := strings.Join(plan.Probes, " "); got != "vm:rave front" {
		t.Errorf("verified by %s", got)
	}
	if plan.Rungs[0].Boots != 2*time.Minute || plan.Rungs[1].Boots != 2*time.Minute {
		t.Errorf("boots within %s and %s", plan.Rungs[0].Boots, plan.Rungs[1].Boots)
	}
	other := running
	newer := good
	newer.Digest = "d2"
	other.Images = map[Source]Image{LastKnownGood: newer}
	if again := planned(t, vmDown(), other); again.Rungs[1].Digest == plan.Rungs[1].Digest || again.Rungs[0].Digest != plan.Rungs[0].Digest {
		t.Error("a rung's digest changes exactly with what the rung would do")
	}
}

func TestARollbackIsNotHeldUpHalfWay(t *testing.T) {
	frozen := Verdict{Decision: Refuse, Reason: "frozen", Next: Escalated}
	t.Run("the way through", func(t *testing.T) {
		l := onlyBack(t).acts(Done).wants(WantPrepare, 0).prepares(allow).wants(WantAct, 0).acts(Done).prepares(allow).acts(Done)
		l.is(Verifying, "").stays(Healthy).is(Resolved, ReasonFixed)
		if l.started() != 3 {
			t.Errorf("%d intents", l.started())
		}
	})
	t.Run("between two steps the gates are not asked", func(t *testing.T) {
		l := onlyBack(t)
		if l.i.Bound(l.now) {
			t.Error("the step under way is judged already")
		}
		if l.acts(Done); !l.i.Bound(l.now) {
			t.Error("the swap waits for the gates while the VM is down")
		}
	})
	t.Run("the first step is judged as any other", func(t *testing.T) {
		p := vmDown()
		p.Ladder = p.Ladder[2:]
		l := opensVM(t, p).looks(Unhealthy).judged(allow).give(Input{Gathered: &Gathered{}})
		if l.i.Bound(l.now) {
			t.Error("the power-down is not judged")
		}
		l.prepares(frozen).is(Escalated, "frozen")
	})
	t.Run("the alert is gone", func(t *testing.T) {
		onlyBack(t).acts(Done).hears(alerts.Resolved).is(Acting, "").wants(WantPrepare, 0)
	})
	t.Run("the deadline", func(t *testing.T) {
		l := onlyBack(t).after(29 * time.Minute).acts(Done)
		l.is(Acting, "").after(time.Minute).give(Input{Woken: true}).is(Escalated, ReasonDeadline)
		if !strings.Contains(l.i.Detail, "held") {
			t.Errorf("people are not told that it is down: %s", l.i.Detail)
		}
	})
	t.Run("a deadline in the middle waits for the end", func(t *testing.T) {
		p := vmDown()
		p.Ladder, p.Deadline = p.Ladder[2:], 3*time.Minute
		l := opensVM(t, p).allowed().after(4*time.Minute).acts(Done).is(Acting, "").wants(WantPrepare, 0)
		l.prepares(allow).acts(Done).prepares(allow).is(Acting, "").acts(Done).is(Escalated, ReasonDeadline)
	})
	t.Run("a person", func(t *testing.T) {
		l := onlyBack(t).acts(Done)
		if _, _, err := l.decide(Input{Said: &Said{Verb: PersonCloses, By: "ann"}}); err == nil {
			t.Error("closed while the VM is down")
		}
	})
	t.Run("a crash of the agent", func(t *testing.T) {
		l := onlyBack(t).acts(Done).crash(0, time.Minute).wants(WantLook, 0).looks(Unhealthy)
		l.is(Acting, "").wants(WantPrepare, 0)
	})
}

func TestAVMThatWasPoweredDownIsStartedWhateverFails(t *testing.T) {
	for _, failed := range []Result{Failed, TimedOut, Canceled} {
		l := onlyBack(t).acts(Done).prepares(allow).acts(failed).wants(WantPrepare, 0).prepares(allow)
		if l.i.Intent.What.Do != VerbBoot {
			t.Errorf("after a swap that %s comes %s", failed, l.i.Intent.What)
		}
		l.acts(Done).is(Verifying, Reason(""))
	}
	l := onlyBack(t).acts(Failed).wants(WantPrepare, 0).prepares(allow)
	if l.i.Intent.What.Do != VerbBoot {
		t.Errorf("after a failed power-down comes %s", l.i.Intent.What)
	}
	l.acts(Failed).is(Verifying, "")
}

func TestAVMHasTimeToBoot(t *testing.T) {
	booting := func(t *testing.T) *life {
		return onlyBack(t).acts(Done).prepares(allow).acts(Done).prepares(allow).acts(Done).settles()
	}
	t.Run("unhealthy says nothing before", func(t *testing.T) {
		booting(t).probes(Unhealthy).after(100*time.Second).probes(Unhealthy).is(Verifying, "").
			probes(Healthy).after(time.Minute).probes(Healthy).is(Resolved, ReasonFixed)
	})
	t.Run("unless it is down by then, and whatever else is unknown", func(t *testing.T) {
		down := Observation{Probe: "vm:rave", Health: Unhealthy, Down: true, Detail: "its QEMU was killed"}
		l := booting(t).give(Input{Probed: []Observation{{Probe: "front", Health: Unknown}, down}})
		if l.is(Escalated, ReasonExhausted); !strings.Contains(l.i.Detail, down.Detail) {
			t.Errorf("people hear %q", l.i.Detail)
		}
	})
	t.Run("it does not come", func(t *testing.T) {
		booting(t).probes(Unhealthy).after(2*time.Minute).probes(Unhealthy).is(Escalated, ReasonExhausted)
	})
	t.Run("it comes and goes", func(t *testing.T) {
		booting(t).probes(Healthy).after(time.Second).probes(Unhealthy).is(Escalated, ReasonExhausted)
	})
}

func TestAYesIsForOneRung(t *testing.T) {
	hold := Verdict{Decision: Hold, Reason: "approval_wanted"}
	p := vmDown()
	l := opensVM(t, p)
	l.looks(Unhealthy).judged(hold)
	if _, _, err := l.decide(Input{Said: &Said{Verb: PersonApproves, By: "ann", Plan: l.plan.Rungs[1].Digest}}); err == nil {
		t.Error("a yes to the rollback was taken for a yes to the reset")
	}
	if _, _, err := l.decide(Input{Said: &Said{Verb: PersonApproves, By: "ann"}}); err == nil {
		t.Error("a yes to nothing was taken for a yes")
	}
	l.person(PersonApproves).allowed().acts(Done).settles().probes(Unhealthy).after(2*time.Minute).probes(Unhealthy).is(Open, "")
	if l.i.Approved != "" || l.i.Rung != 1 {
		t.Errorf("the yes to rung 0 is still there at rung %d: %q", l.i.Rung, l.i.Approved)
	}
}

func TestWhatAPersonAsksFor(t *testing.T) {
	keep := Playbook{Name: "vm-checkpoint", Ladder: []Rung{{Name: "keep", Do: []Move{{Do: VerbCheckpoint, On: theVM}}}}}
	t.Run("is done though all is healthy", func(t *testing.T) {
		askedFor(t, keep).looks(Healthy).wants(WantJudge, 0).judged(allow).give(Input{Gathered: &Gathered{}}).
			prepares(allow).acts(Done).is(Resolved, ReasonDone)
	})
	t.Run("and told when it fails, waking nobody", func(t *testing.T) {
		l := askedFor(t, keep).looks(Unknown).judged(allow).give(Input{Gathered: &Gathered{}}).prepares(allow).acts(Failed)
		l.is(Closed, ReasonFailed)
	})
	t.Run("or refused", func(t *testing.T) {
		askedFor(t, keep).looks(Healthy).judged(Verdict{Decision: Refuse, Reason: "frozen", Next: Escalated}).is(Closed, "frozen")
	})
	t.Run("or there is nothing to do it with", func(t *testing.T) {
		p := Playbook{Name: "vm-undo", Ladder: []Rung{{Name: "undo", Do: []Move{{Do: VerbSwap, On: theVM, To: SetAside}}}}}
		l := askedFor(t, p).looks(Healthy)
		if l.is(Closed, ReasonNoPlan); !strings.Contains(l.i.Detail, "set-aside") {
			t.Errorf("it says %q", l.i.Detail)
		}
	})
	t.Run("goes to people once the VM was stopped for it", func(t *testing.T) {
		p := Playbook{Name: "vm-rollback", Ladder: []Rung{goBack}, Verify: Verify{Healthy: []string{"target"}}}
		l := askedFor(t, p).looks(Healthy).judged(allow).give(Input{Gathered: &Gathered{}}).prepares(allow)
		l.acts(Done).prepares(allow).acts(Done).prepares(allow).acts(Done).is(Verifying, "")
		l.settles().probes(Unhealthy).after(3*time.Minute).probes(Unhealthy).is(Escalated, ReasonExhausted)
		l.after(time.Minute).probes(Healthy).after(time.Minute).probes(Healthy).is(Cleared, ReasonHealthy)
	})
	t.Run("gives way to an alert while it acts on nothing", func(t *testing.T) {
		l := askedFor(t, Playbook{Name: "vm-rollback", Ladder: []Rung{goBack}, Verify: Verify{Healthy: []string{"target"}}})
		if !l.looks(Healthy).judged(Verdict{Decision: Hold, Reason: "approval_wanted"}).i.Yields() {
			t.Error("a plan that waits for a person keeps an alert waiting")
		}
		if l.person(PersonApproves).allowed(); l.i.Yields() {
			t.Error("it gives way while the VM goes down")
		}
		proof := askedFor(t, Playbook{Name: "vm-verify", Ladder: []Rung{{Name: "prove", Do: []Move{{Do: VerbProve, On: theVM}}}}})
		if !proof.allowed().i.Yields() {
			t.Error("a proof of an hour keeps a VM that is down waiting")
		}
	})
	t.Run("waits behind an incident about the same VM", func(t *testing.T) {
		ledger := NewLedger()
		for _, id := range []ID{"AAAA1111", "BBBB2222"} {
			if err := ledger.Apply(ledger.Ask(keep, VM("rave"), Asked{By: "ann"}, site, id, noon)); err != nil {
				t.Fatal(err)
			}
		}
		if second := ledger.Incidents["BBBB2222"]; second.State != Waiting || second.Wait.On != "AAAA1111" {
			t.Errorf("it is %s", second.State)
		}
		if len(ledger.Episodes) != 0 {
			t.Errorf("%d episodes of no alert", len(ledger.Episodes))
		}
	})
}
