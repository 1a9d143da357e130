package systemd

import (
	"os"
	"strings"
	"testing"
	"time"

	"nightshift/remediate"
)

func situation(t *testing.T, u *Units, unit string) remediate.Situation {
	t.Helper()
	journalled(t)
	s, err := u.Situation(within(t, patience), remediate.Unit(unit))
	if err != nil || !s.Known {
		t.Fatalf("Situation = %+v, %v", s, err)
	}
	return s
}

func TestHowAUnitStands(t *testing.T) {
	u, unit := reach(t), sleeper(t, "ns-stands.service", "[Unit]", "StartLimitIntervalSec=1h")
	if s := situation(t, u, "ns-nowhere.service"); s.Exists || s.Active || s.State != "not-found" || s.StartsLeft < 2 {
		t.Errorf("a unit that does not exist stands as %+v", s)
	}
	if s := situation(t, u, unit); !s.Exists || s.Active || s.Settling || s.StoppedByJob || s.Invocation != "" || s.StartsLeft != 5 {
		t.Errorf("a unit that was never started stands as %+v", s)
	}
	run(t, "systemctl", "start", unit)
	want := remediate.Situation{Known: true, Exists: true, Active: true, State: "active (running)",
		Invocation: property(t, unit, "InvocationID"), StartsLeft: 4}
	if s := situation(t, u, unit); s != want {
		t.Errorf("a unit that runs stands as %+v, expected %+v", s, want)
	}
}

func TestWhatSystemdIsAboutToDo(t *testing.T) {
	u := reach(t)
	slow, _ := gated(t, "ns-about.service")
	run(t, "systemctl", "start", "--no-block", slow)
	loops := install(t, "ns-loops.service", "[Service]", "ExecStart=/bin/false", "Restart=always", "RestartSec=1h")
	run(t, "systemctl", "start", loops)
	is(t, loops, "SubState", "auto-restart")
	for _, unit := range []string{slow, loops} {
		if s := situation(t, u, unit); !s.Settling || s.Active || s.StoppedByJob {
			t.Errorf("%s stands as %+v", unit, s)
		}
	}
}

func TestAutomaticRestartsAreTold(t *testing.T) {
	u := reach(t)
	unit := sleeper(t, "ns-back.service", "Restart=always", "RestartSec=1ms", "[Unit]", "StartLimitIntervalSec=1h")
	run(t, "systemctl", "start", unit)
	run(t, "systemctl", "kill", "-s", "KILL", unit)
	is(t, unit, "NRestarts", "1")
	is(t, unit, "ActiveState", "active")
	if s := situation(t, u, unit); s.Restarts != 1 || s.StartsLeft != 3 {
		t.Errorf("it stands as %+v", s)
	}
}

func TestAUnitThatIsNoServiceHasASituation(t *testing.T) {
	if s := situation(t, reach(t), "dbus.socket"); !s.Exists || !s.Active || s.Restarts != 0 {
		t.Errorf("a socket that listens stands as %+v", s)
	}
}

// A storm of incidents asks more at once than a bus allows a connection.
func TestManyAreReadAtOnce(t *testing.T) {
	u, unit := reach(t), sleeper(t, "ns-storm.service")
	run(t, "systemctl", "start", unit)
	errs := make(chan error, 500)
	for range cap(errs) {
		go func() {
			_, err := u.Situation(within(t, patience), remediate.Unit(unit))
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

func TestStartsLeft(t *testing.T) {
	u := reach(t)
	free := sleeper(t, "ns-free.service", "[Unit]", "StartLimitBurst=0")
	short := sleeper(t, "ns-short.service", "[Unit]", "StartLimitBurst=3", "StartLimitIntervalSec=50ms")
	tight := sleeper(t, "ns-tight.service", "[Unit]", "StartLimitBurst=2", "StartLimitIntervalSec=1h")
	run(t, "systemctl", "start", free, short, tight)
	run(t, "systemctl", "restart", tight)
	if s := situation(t, u, free); s.StartsLeft != unlimited {
		t.Errorf("without a limit: %+v", s)
	}
	eventually(t, "all 3 starts are left when the interval is over", func() bool { return situation(t, u, short).StartsLeft == 3 })
	if s := situation(t, u, tight); s.StartsLeft != 0 {
		t.Errorf("after two of two: %+v", s)
	}
	did(t, u, remediate.VerbResetFailed, tight, remediate.Done)
	if s := situation(t, u, tight); s.StartsLeft != 2 {
		t.Errorf("after our reset: %+v", s)
	}
}

func TestWhoStoppedAUnit(t *testing.T) {
	u := reach(t)
	// quits ends well by itself on SIGQUIT, as nginx does.
	quits := install(t, "ns-quits.service", "[Service]", `ExecStart=/bin/sh -c 'trap "exit 0" QUIT; while :; do sleep 0.02; done'`)
	base := sleeper(t, "ns-base.service")
	bound := sleeper(t, "ns-bound.service", "[Unit]", "BindsTo=ns-base.service", "After=ns-base.service")
	once := install(t, "ns-prepares.service", "[Service]", "Type=oneshot", "ExecStart=/bin/true")
	prepared := sleeper(t, "ns-prepared.service", "[Unit]", "Requires=ns-prepares.service", "After=ns-prepares.service")
	surly := install(t, "ns-surly.service", "[Service]", `ExecStart=/bin/sh -c 'trap "exit 3" TERM; while :; do sleep 0.02; done'`)
	systemctl := func(args ...string) func(*testing.T) {
		return func(t *testing.T) { run(t, "systemctl", args...) }
	}
	for what, c := range map[string]struct {
		unit string
		end  func(*testing.T)
		want bool
	}{
		"a person":                                    {quits, systemctl("stop", quits), true},
		"nobody: it ended well by itself":             {quits, systemctl("kill", "-s", "QUIT", quits), false},
		"nobody: it was killed":                       {quits, systemctl("kill", "-s", "KILL", quits), false},
		"a person, and it ended badly":                {surly, systemctl("stop", surly), true},
		"a person, after restarts":                    {quits, func(t *testing.T) { run(t, "systemctl", "restart", quits); run(t, "systemctl", "stop", quits) }, true},
		"systemd, as what it is bound to died":        {bound, systemctl("kill", "-s", "KILL", base), false},
		"a person, who stopped what it is bound to":   {bound, systemctl("stop", base), true},
		"a person, though it needs a unit that ended": {prepared, systemctl("stop", prepared), true},
		"this agent":                                  {quits, func(t *testing.T) { did(t, u, remediate.VerbStop, quits, remediate.Done) }, true},
	} {
		t.Run(what, func(t *testing.T) {
			all := []string{quits, base, bound, prepared, surly}
			run(t, "systemctl", append([]string{"start", once}, all...)...)
			// Signals come early otherwise: a shell is up before its traps are.
			eventually(t, "the shells are ready", func() bool {
				return strings.Contains(run(t, "pgrep", "-f", "sleep 0.02"), "\n")
			})
			c.end(t)
			eventually(t, c.unit+" is down", func() bool {
				state := property(t, c.unit, "ActiveState")
				return state == inactive || state == failed
			})
			if s := situation(t, u, c.unit); s.StoppedByJob != c.want {
				t.Errorf("stopped by job is %v: %+v", s.StoppedByJob, s)
			}
			run(t, "systemctl", "stop", quits, base, bound, prepared, surly)
			run(t, "systemctl", "reset-failed")
		})
	}
}

// PID 1 logs under a unit's own name only.
func TestAUnitByItsAlias(t *testing.T) {
	u, unit := reach(t), sleeper(t, "ns-named.service", "[Unit]", "StartLimitIntervalSec=1h")
	const alias = "ns-alias.service"
	if err := os.Symlink(unit, "/run/systemd/system/"+alias); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove("/run/systemd/system/" + alias) })
	run(t, "systemctl", "daemon-reload")
	did(t, u, remediate.VerbRestart, alias, remediate.Done)
	if s := situation(t, u, alias); !s.Active || s.StartsLeft != 4 {
		t.Errorf("when it runs it stands as %+v", s)
	}
	if text := see(t, u, remediate.Look{What: remediate.SeeJournal}, alias); !strings.Contains(text, "Started "+unit) {
		t.Errorf("its journal is %q", text)
	}
	run(t, "systemctl", "stop", unit)
	if s := situation(t, u, alias); !s.StoppedByJob {
		t.Errorf("when it was stopped it stands as %+v", s)
	}
}

func TestWhatIsNoUnitHasNoSituation(t *testing.T) {
	s, err := reach(t).Situation(within(t, time.Second), remediate.Host("rave-1"))
	if err == nil || s.Known || s.Detail == "" {
		t.Errorf("got %+v, %v", s, err)
	}
}
