package systemd

import (
	"strconv"
	"testing"

	"nightshift/remediate"
)

// service is how a unit stands.
func service(t *testing.T, u *Units, unit string) Service {
	t.Helper()
	s, err := u.Service(within(t, patience), unit)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wasStopped is whether somebody asked for that it is down.
func wasStopped(t *testing.T, u *Units, unit string) bool {
	t.Helper()
	journalled(t)
	is, err := u.Stopped(within(t, patience), unit)
	if err != nil {
		t.Fatal(err)
	}
	return is
}

// job has a verb done with a unit and returns its result.
func job(t *testing.T, u *Units, verb remediate.Verb, unit string) remediate.Result {
	t.Helper()
	receipt, err := u.Job(within(t, patience), verb, unit)
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Result
}

func TestHowAServiceStands(t *testing.T) {
	u, unit := reach(t), sleeper(t, "ns-service.service")
	if s := service(t, u, "ns-nowhere.service"); s.Exists || s.Active || s.MainPID != 0 {
		t.Errorf("one that does not exist stands as %+v", s)
	}
	if got := job(t, u, remediate.VerbStart, unit); got != remediate.Done {
		t.Fatalf("its start is %s", got)
	}
	s := service(t, u, unit)
	if !s.Exists || !s.Active || s.Failed || wasStopped(t, u, unit) || strconv.Itoa(s.MainPID) != property(t, unit, "MainPID") || s.Invocation != property(t, unit, "InvocationID") {
		t.Errorf("one that runs stands as %+v", s)
	}
	if got := job(t, u, remediate.VerbStop, unit); got != remediate.Done {
		t.Fatalf("its stop is %s", got)
	}
	if s := service(t, u, unit); s.Active || s.MainPID != 0 || !wasStopped(t, u, unit) {
		t.Errorf("one that was stopped stands as %+v", s)
	}
	run(t, "systemctl", "start", unit)
	run(t, "systemctl", "kill", "-s", "KILL", unit)
	is(t, unit, "ActiveState", "failed")
	if s := service(t, u, unit); s.Active || !s.Failed || s.Result != "signal" || wasStopped(t, u, unit) {
		t.Errorf("one that was killed stands as %+v", s)
	}
}

func TestAJobWithoutAPlan(t *testing.T) {
	u := reach(t)
	install(t, "ns-fails@.service", "[Service]", "Type=oneshot", "ExecStart=/bin/false")
	if got := job(t, u, remediate.VerbOneshot, "ns-fails@vm:name.service"); got != remediate.Failed {
		t.Errorf("a oneshot that fails is %s", got)
	}
	if _, err := u.Job(within(t, patience), remediate.VerbStart, "ns-nowhere.service"); err == nil {
		t.Error("a unit that does not exist was started")
	}
}
