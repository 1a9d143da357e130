package systemd

import (
	"strings"
	"testing"

	"nightshift/remediate"
)

func probed(t *testing.T, u *Units, unit string, want remediate.Health) remediate.Observation {
	t.Helper()
	seen := u.Probe(within(t, patience), unit)
	if seen.Health != want || seen.Probe != "unit:"+unit || seen.Detail == "" || seen.Took <= 0 {
		t.Errorf("the probe saw %+v, expected %s", seen, want)
	}
	return seen
}

func TestProbingAUnitThroughItsLife(t *testing.T) {
	u := reach(t)
	unit, file := gated(t, "ns-life.service")
	probed(t, u, unit, remediate.Unhealthy) // down
	run(t, "systemctl", "start", "--no-block", unit)
	probed(t, u, unit, remediate.Unknown) // it starts
	touch(t, file)
	is(t, unit, "ActiveState", "active")
	probed(t, u, unit, remediate.Healthy)
	run(t, "systemctl", "kill", "-s", "KILL", unit)
	is(t, unit, "ActiveState", "failed")
	if seen := probed(t, u, unit, remediate.Unhealthy); !strings.Contains(seen.Detail, "Result=signal") {
		t.Errorf("the detail is %q", seen.Detail)
	}
	probed(t, u, "ns-nowhere.service", remediate.Unknown)
}

// Between two samples a unit can die and come back: both see it running.
func TestACrashBetweenTwoSamplesIsSeen(t *testing.T) {
	u := reach(t)
	unit := sleeper(t, "ns-between.service", "Restart=always", "RestartSec=1ms")
	run(t, "systemctl", "start", unit)
	probed(t, u, unit, remediate.Healthy)
	run(t, "systemctl", "kill", "-s", "KILL", unit)
	is(t, unit, "NRestarts", "1")
	is(t, unit, "ActiveState", "active")
	probed(t, u, unit, remediate.Unhealthy)
	probed(t, u, unit, remediate.Healthy)
	did(t, u, remediate.VerbRestart, unit, remediate.Done)
	probed(t, u, unit, remediate.Healthy)
}

// The job of a unit that dies at once is done, like that of any other.
func TestAJobThatIsDoneIsNoHealth(t *testing.T) {
	u := reach(t)
	unit := install(t, "ns-dies.service", "[Service]", "ExecStart=/bin/false", "Restart=always", "RestartSec=1h")
	did(t, u, remediate.VerbStart, unit, remediate.Done)
	is(t, unit, "SubState", "auto-restart")
	probed(t, u, unit, remediate.Unhealthy)
}

func TestAProcessKilledForMemoryIsSeenThoughTheUnitRuns(t *testing.T) {
	u, file := reach(t), t.TempDir()+"/eat"
	unit := install(t, "ns-eats.service", "[Service]", "MemoryMax=24M", "OOMPolicy=continue",
		`ExecStart=/bin/sh -c 'until [ -e `+file+` ]; do sleep 0.02; done; tail /dev/zero; touch `+file+`.done; sleep infinity'`)
	run(t, "systemctl", "start", unit)
	probed(t, u, unit, remediate.Healthy)
	touch(t, file)
	eventually(t, "the eater is dead", func() bool { return exists(file + ".done") })
	if seen := probed(t, u, unit, remediate.Unhealthy); !strings.Contains(seen.Detail, "memory") {
		t.Errorf("the detail is %q", seen.Detail)
	}
	probed(t, u, unit, remediate.Healthy)
}

func TestAOneshotUnitIsAsWellAsItsLastRun(t *testing.T) {
	u := reach(t)
	good := install(t, "ns-good.service", "[Service]", "Type=oneshot", "ExecStart=/bin/true")
	bad := install(t, "ns-bad.service", "[Service]", "Type=oneshot", "ExecStart=/bin/false")
	did(t, u, remediate.VerbOneshot, good, remediate.Done)
	did(t, u, remediate.VerbOneshot, bad, remediate.Failed)
	probed(t, u, good, remediate.Healthy)
	probed(t, u, bad, remediate.Unhealthy)
}
