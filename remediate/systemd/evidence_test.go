package systemd

import (
	"strings"
	"testing"

	"nightshift/remediate"
)

func TestSeeingAUnit(t *testing.T) {
	u, unit := reach(t), sleeper(t, "ns-seen.service", "Environment=PASSWORD=hunter2", "MemoryMax=64M")
	run(t, "systemctl", "start", unit)
	text := see(t, u, remediate.Look{What: remediate.SeeUnit}, unit)
	for _, line := range []string{
		"Id=" + unit + "\n", "ActiveState=active\n", "SubState=running\n", "Result=success\n", "NRestarts=0\n",
		"MemoryMax=67108864\n", "MemoryHigh=infinity\n", "StartLimitIntervalUSec=10s\n", "ActiveExitTimestamp=never\n",
		"InvocationID=" + property(t, unit, "InvocationID") + "\n", "NeedDaemonReload=no\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("%q is missing in\n%s", line, text)
		}
	}
	if strings.Contains(text, "hunter2") || strings.Contains(text, "sleep") {
		t.Errorf("it shows what may hold secrets:\n%s", text)
	}
}

func TestSeeingAllUnits(t *testing.T) {
	up, down := sleeper(t, "ns-seen-up.service"), sleeper(t, "ns-seen-down.service")
	run(t, "systemctl", "start", up)
	u := NewUnits(reachAt(t, Options{}), func() []string { return []string{up, down} })
	lines := strings.Split(see(t, u, remediate.Look{What: remediate.SeeUnits}, up), "\n")
	if len(lines) != 4 || !strings.Contains(lines[1], "active (running)") || !strings.HasSuffix(lines[2], "never") {
		t.Errorf("the table is\n%s", strings.Join(lines, "\n"))
	}
}

func TestSeeingAJournal(t *testing.T) {
	u := reach(t)
	unit := install(t, "ns-talks.service", "[Service]", "Type=oneshot", "SyslogIdentifier=talker",
		`ExecStart=/bin/sh -c 'for i in 1 2 3; do echo line $i; done; echo token=hunter2; printf "\\033[31mred\\n"'`)
	run(t, "systemctl", "start", unit)
	journalled(t)
	text := see(t, u, remediate.Look{What: remediate.SeeJournal, Of: unit}, "ns-nowhere.service")
	for _, want := range []string{"talker: line 3\n", "talker: token=[redacted]\n", "talker: \uFFFD[31mred\n", "systemd: Finished"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	few := see(t, u, remediate.Look{What: remediate.SeeJournal, Lines: 2}, unit)
	if strings.Count(few, "\n") != 2 || !strings.HasSuffix(text, few) {
		t.Errorf("expected the last 2 lines of\n%s\ngot\n%s", text, few)
	}
}

func TestSeeingWhoWasKilledForMemory(t *testing.T) {
	u := reach(t)
	unit := install(t, "ns-oom-talk.service", "[Service]", "Type=oneshot",
		`ExecStart=/bin/sh -c 'echo "Out of memory: Killed process 4242 (ns-hungry)"; echo "something else"'`)
	run(t, "systemctl", "start", unit)
	journalled(t)
	text := see(t, u, remediate.Look{What: remediate.SeeOOM}, unit)
	if !strings.Contains(text, "Killed process 4242 (ns-hungry)\n") || strings.Contains(text, "something else") {
		t.Errorf("it shows\n%s", text)
	}
}

func TestRestartsBySystemdItselfAreCounted(t *testing.T) {
	u := reach(t)
	unit := install(t, "ns-loops.service", "[Unit]", "StartLimitBurst=3", "StartLimitIntervalSec=1h", "[Service]", "ExecStart=/bin/false", "Restart=always", "RestartSec=10ms")
	run(t, "systemctl", "start", unit)
	for {
		n, err := u.Restarts(within(t, patience), unit)
		if err != nil {
			t.Fatal(err)
		}
		if n >= 2 {
			return
		}
	}
}

func TestWhatCannotBeSeenSaysWhy(t *testing.T) {
	u := reach(t)
	for _, look := range []remediate.Look{
		{What: remediate.SeeUnit},                     // of a host
		{What: remediate.SeeJournal, Of: "*.service"}, // a glob
		{What: remediate.SeeMemory, Of: "a.service"},  // not ours to see
	} {
		seen := u.See(within(t, patience), look, remediate.Host("rave-1"))
		if seen.Error == "" || seen.Text != "" || seen.Look != look {
			t.Errorf("%+v: got %+v", look, seen)
		}
	}
}

func see(t testing.TB, u *Units, look remediate.Look, unit string) string {
	t.Helper()
	seen := u.See(within(t, patience), look, remediate.Unit(unit))
	if seen.Error != "" || seen.Text == "" {
		t.Fatalf("See = %+v", seen)
	}
	return seen.Text
}
