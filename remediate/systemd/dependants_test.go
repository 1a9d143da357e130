package systemd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nightshift/remediate"
)

// dependants are those of a deed, in a line.
func dependants(t testing.TB, u *Units, do remediate.Verb, unit string) string {
	t.Helper()
	names, err := u.Dependants(within(t, patience), remediate.Deed{Do: do, Unit: unit})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func TestWhatHangsOnAUnit(t *testing.T) {
	u := reach(t)
	base := sleeper(t, "ns-base.service")
	for name, lines := range map[string]string{
		"ns-requires.service":  "Requires=ns-base.service",
		"ns-requisite.service": "Requisite=ns-base.service\nAfter=ns-base.service",
		"ns-bound.service":     "BindsTo=ns-base.service",
		"ns-part.service":      "PartOf=ns-base.service",
		"ns-second.service":    "Requires=ns-requires.service",
		"ns-wants.service":     "Wants=ns-base.service",
		"ns-after.service":     "After=ns-base.service",
		"ns-down.service":      "PartOf=ns-base.service",
		"ns-behind.service":    "PartOf=ns-down.service",
		"ns-grouped.service":   "PartOf=ns-group.target",
		"ns-rival.service":     "Conflicts=ns-foe.service",
		"ns-foe.service":       "",
		"ns-follows.service":   "",
	} {
		sleeper(t, name, "[Unit]", lines)
	}
	install(t, "ns-group.target", "[Unit]", "Requires=ns-base.service")
	install(t, "ns-leads.service", "[Unit]", "PropagatesStopTo=ns-follows.service", "[Service]", "ExecStart=/bin/sleep infinity")
	run(t, "systemctl", "start", base, "ns-requires.service", "ns-requisite.service", "ns-bound.service", "ns-part.service", "ns-second.service",
		"ns-wants.service", "ns-after.service", "ns-behind.service", "ns-grouped.service", "ns-group.target", "ns-foe.service", "ns-leads.service", "ns-follows.service")

	const hangs = "ns-bound.service ns-grouped.service ns-part.service ns-requires.service ns-requisite.service ns-second.service"
	for _, c := range []struct {
		do   remediate.Verb
		unit string
		want string
	}{
		{remediate.VerbRestart, base, hangs},
		// A stop goes on through what is down: systemd.unit(5) of PartOf=.
		{remediate.VerbStop, base, "ns-behind.service " + hangs},
		{remediate.VerbStart, base, ""},
		{remediate.VerbReload, base, ""},
		{remediate.VerbRestart, "ns-second.service", ""},
		{remediate.VerbStart, "ns-rival.service", "ns-foe.service"},
		{remediate.VerbRestart, "ns-rival.service", "ns-foe.service"},
		{remediate.VerbStop, "ns-rival.service", ""},
		{remediate.VerbStop, "ns-leads.service", "ns-follows.service"},
		{remediate.VerbRestart, "ns-leads.service", "ns-follows.service"}, // newer systemds do
		{remediate.VerbRestart, "ns-nowhere.service", ""},
	} {
		want := strings.Fields(c.want)
		slices.Sort(want)
		if got := dependants(t, u, c.do, c.unit); got != strings.Join(want, " ") {
			t.Errorf("%s %s takes along %q, should be %q", c.do, c.unit, got, strings.Join(want, " "))
		}
	}
}

func TestWithoutSystemdNobodyKnowsWhatHangsOnAUnit(t *testing.T) {
	u := NewUnits(reachAt(t, Options{Address: "unix:path=/nowhere"}), func() []string { return nil })
	if names, err := u.Dependants(t.Context(), remediate.Deed{Do: remediate.VerbRestart, Unit: "ns-base.service"}); err == nil {
		t.Errorf("it knows %v", names)
	}
}

// snapshot is the invocation of each unit that runs.
func snapshot(t testing.TB, units []string) map[string]string {
	t.Helper()
	out := run(t, "systemctl", append([]string{"show", "--property=Id,ActiveState,InvocationID"}, units...)...)
	runs := map[string]string{}
	for block := range strings.SplitSeq(out, "\n\n") {
		p := map[string]string{}
		for line := range strings.Lines(block) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			p[key] = value
		}
		if p["ActiveState"] == "active" {
			runs[p["Id"]] = p["InvocationID"]
		}
	}
	return runs
}

// What systemd really does with units that hang together at random is what was said
// before: each that was named was started anew or stopped, and no other.
func TestRandomUnitsThatHangTogether(t *testing.T) {
	const graphs, size = 25, 7
	u := reach(t)
	named, acts := 0, 0
	for graph := range graphs {
		dice := rand.New(rand.NewPCG(uint64(graph), 5))
		var units []string
		for n := range size {
			units = append(units, fmt.Sprintf("ns-g%d-%d.service", graph, n))
		}
		for n, name := range units {
			lines := []string{"[Unit]", "StartLimitIntervalSec=0"}
			for _, other := range units[:n] { // no cycles: systemd breaks one by leaving a job out
				if dice.IntN(3) == 0 {
					kind := []string{"Requires", "BindsTo", "PartOf", "Wants", "Requisite"}[dice.IntN(5)]
					lines = append(lines, kind+"="+other, "After="+other)
				}
			}
			writeUnit(t, name, append(lines, "[Service]", "ExecStart=/bin/sleep infinity")...)
		}
		run(t, "systemctl", "daemon-reload")
		for _, name := range units {
			if dice.IntN(5) > 0 {
				startIfMay(name)
			}
		}
		for range 4 {
			on, do := units[dice.IntN(3)], []remediate.Verb{remediate.VerbRestart, remediate.VerbRestart, remediate.VerbStop}[dice.IntN(3)]
			settle(t, units)
			before := snapshot(t, units)
			said := strings.Fields(dependants(t, u, do, on))
			run(t, "systemctl", string(do), on)
			settle(t, units)
			after := snapshot(t, units)
			var took []string
			for _, name := range units {
				if was, ran := before[name]; ran && name != on && after[name] != was {
					took = append(took, name)
				}
			}
			if !slices.Equal(said, took) {
				t.Fatalf("graph %d: %s %s was to take along %v, and took %v", graph, do, on, said, took)
			}
			named, acts = named+len(said), acts+1
		}
	}
	t.Logf("%d acts took %d units along", acts, named)
	if named < acts/2 {
		t.Errorf("%d acts took only %d units along: this shows little", acts, named)
	}
}

func TestTheReceiptSaysWhatWentAlong(t *testing.T) {
	u := reach(t)
	base := sleeper(t, "ns-below.service")
	above := sleeper(t, "ns-above.service", "ExecStartPre=/bin/sleep 0.3", "[Unit]", "Requires="+base, "After="+base)
	run(t, "systemctl", "start", base, above)
	before := property(t, above, "InvocationID")
	step := stepOf(remediate.VerbRestart, base)
	step.Takes = []remediate.Target{remediate.Unit(above)}
	action := u.Actions()[remediate.VerbRestart]
	witness, err := action.Witness(within(t, patience), step)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := action.Do(within(t, patience), step, witness)
	if err != nil || receipt.Result != remediate.Done || receipt.Facts[alongKey] != above+" is active (running)" {
		t.Errorf("the receipt is %+v, %v", receipt, err)
	}
	if after := property(t, above, "InvocationID"); after == before || after == "" {
		t.Error("what went along was not started anew by then")
	}
}

// What is started anew along with another counts against its own start limit.
func TestWhatGoesAlongTenTimesStaysAlive(t *testing.T) {
	u := reach(t)
	base := sleeper(t, "ns-often.service", "[Unit]", "StartLimitIntervalSec=0")
	above := sleeper(t, "ns-along.service", "[Unit]", "StartLimitIntervalSec=1h", "Requires="+base, "After="+base)
	run(t, "systemctl", "start", base, above)
	step := stepOf(remediate.VerbRestart, base)
	step.Takes = []remediate.Target{remediate.Unit(above)}
	for range 10 {
		if receipt, err := u.Actions()[remediate.VerbRestart].Do(within(t, patience), step, nil); err != nil || receipt.Result != remediate.Done {
			t.Fatalf("%+v, %v", receipt, err)
		}
	}
	is(t, above, "ActiveState", "active")
}
