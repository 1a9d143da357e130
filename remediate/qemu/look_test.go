package qemu_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/qemu"
)

func TestAPausedGuestGoesOn(t *testing.T) {
	s := newSite(t)
	s.start()
	m := s.vm.Machine(s.ctx(), nil)
	if !m.Alive || !m.Paused || m.State != "prelaunch" {
		t.Errorf("it stands so: %+v", m)
	}
	if o := s.vm.Probe(s.ctx()); o.Probe != "vm:site" || o.Health != remediate.Unhealthy {
		t.Errorf("the probe says %+v", o)
	}
	action, what := s.vm.Actions()[remediate.VerbCont], step(remediate.VerbCont, nil)
	if _, err := action.Happened(s.ctx(), what, nil); !errors.Is(err, remediate.ErrNotDone) {
		t.Errorf("it happened before it was done: %v", err)
	}
	s.do(remediate.VerbCont, nil)
	if _, err := action.Happened(s.ctx(), what, nil); err != nil {
		t.Errorf("it was done, and: %v", err)
	}
	if o := s.vm.Probe(s.ctx()); o.Health != remediate.Healthy {
		t.Errorf("the probe says %+v", o)
	}
}

func TestAResetLeavesNoTraceOfARunningGuest(t *testing.T) {
	s := newSite(t)
	s.start()
	s.do(remediate.VerbCont, nil)
	action, what := s.vm.Actions()[remediate.VerbReset], step(remediate.VerbReset, nil)
	before, err := action.Witness(s.ctx(), what)
	s.must(err)
	s.do(remediate.VerbReset, nil)
	if _, err := action.Happened(s.ctx(), what, before); !errors.Is(err, remediate.ErrInDoubt) {
		t.Errorf("happened: %v", err)
	}
	for state, want := range map[string]error{"guest-panicked": nil, "running": remediate.ErrInDoubt} {
		before["state"] = state
		if _, err := action.Happened(s.ctx(), what, before); !errors.Is(err, want) {
			t.Errorf("of one that was %s: %v", state, err)
		}
	}
}

func TestAVMThatIsDown(t *testing.T) {
	s := newSite(t)
	m := s.vm.Machine(s.ctx(), nil)
	if m.Alive || m.Paused || !strings.HasPrefix(m.State, "down") {
		t.Errorf("it stands so: %+v", m)
	}
	if o := s.vm.Probe(s.ctx()); o.Health != remediate.Unhealthy || o.Detail != "down" {
		t.Errorf("the probe says %+v", o)
	}
	for _, do := range []remediate.Verb{remediate.VerbCont, remediate.VerbReset} {
		if _, err := s.try(do, nil); err == nil {
			t.Errorf("%s of it was done", do)
		}
	}
	s.do(remediate.VerbPowerDown, nil) // of one that is down already
}

// TestAQEMUThatWasKilledDoesNotComeBackByItself unless somebody is about to start it.
func TestAQEMUThatWasKilledDoesNotComeBackByItself(t *testing.T) {
	s := newSite(t)
	s.start()
	s.do(remediate.VerbCont, nil)
	if o := s.vm.Probe(s.ctx()); o.Down {
		t.Errorf("while it runs the probe says %+v", o)
	}
	s.keeper.Kill(unit)
	if o := s.vm.Probe(s.ctx()); !o.Down || !strings.Contains(o.Detail, "has failed") {
		t.Errorf("once it was killed the probe says %+v", o)
	}
	s.keeper.Change(unit, func(u *qemu.UnitState) { u.Settling = true })
	if o := s.vm.Probe(s.ctx()); o.Down {
		t.Errorf("while it is being started the probe says %+v", o)
	}
	s.keeper.Change(unit, func(u *qemu.UnitState) { u.Settling = false })
	s.do(remediate.VerbPowerDown, nil)
	if o := s.vm.Probe(s.ctx()); o.Down || o.Health != remediate.Unhealthy {
		t.Errorf("while the agent holds it the probe says %+v", o)
	}
}

func TestSituation(t *testing.T) {
	s := newSite(t)
	s.start()
	was, err := s.vm.Situation(s.ctx())
	s.must(err)
	if !was.Known || !was.Active || was.StoppedByJob || was.Invocation != "system="+s.on("system") {
		t.Errorf("it stands so: %+v", was)
	}
	s.must(s.keeper.Stop(s.ctx(), unit))
	if now, _ := s.vm.Situation(s.ctx()); !now.StoppedByJob || now.Invocation != was.Invocation {
		t.Errorf("stopped by a person it stands so: %+v", now)
	}
	s.start()
	s.do(remediate.VerbPowerDown, nil)
	s.keeper.ByPerson(unit, nil)
	if now, _ := s.vm.Situation(s.ctx()); now.StoppedByJob {
		t.Errorf("stopped by ourselves it stands so: %+v", now)
	}
	s.do(remediate.VerbSwap, s.source(remediate.LastKnownGood, nil))
	if now, _ := s.vm.Situation(s.ctx()); now.Invocation == was.Invocation {
		t.Error("its identity did not change with its disks")
	}
}

func TestSights(t *testing.T) {
	s := newSite(t)
	s.must(os.WriteFile(s.path("live/console.log"), []byte("first\r\nsecond\x1b[2J password=hunter2\r\nlast\r\n"), 0o660))
	s.start()
	for what, want := range map[remediate.Sight]string{
		remediate.SeeScreen:     "by 480 pixels",
		remediate.SeeQMPStatus:  "guest status=prelaunch running=false",
		remediate.SeeBlockGraph: s.path("good/good.system.qcow2"),
		remediate.SeeConsole:    "second\ufffd[2J password=[redacted]\nlast",
	} {
		e := s.vm.See(s.ctx(), remediate.Look{What: what, Lines: 2})
		if e.Error != "" || !strings.Contains(e.Text, want) || strings.Contains(e.Text, "first") || len(e.Text) > 4096 {
			t.Errorf("%s: %+v", what, e)
		}
	}
	if e := s.vm.See(s.ctx(), remediate.Look{What: "x"}); e.Error == "" {
		t.Error("there is a sight x")
	}
	if left, _ := os.ReadDir(s.path("live")); bytes.Contains([]byte(left[0].Name()), []byte("screen")) {
		t.Errorf("a picture was left: %v", left)
	}
}

func TestSightsOfAVMThatIsDownSayWhy(t *testing.T) {
	s := newSite(t)
	for _, what := range []remediate.Sight{remediate.SeeScreen, remediate.SeeQMPStatus, remediate.SeeConsole} {
		if e := s.vm.See(s.ctx(), remediate.Look{What: what}); e.Error == "" {
			t.Errorf("%s: %+v", what, e)
		}
	}
}
