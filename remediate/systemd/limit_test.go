package systemd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"nightshift/remediate"
)

// limitVariable has this program be the one of a oneshot unit that sets limits, in the
// place of the nightshift that reads an inventory: "apply safe:NAME.service".
const limitVariable = "NIGHTSHIFT_TEST_LIMIT"

// profiles are what an inventory of these tests would have for any unit.
var profiles = map[string]Limits{
	"safe":  {Memory: 96 << 20, CPU: 500 * time.Millisecond, CPUWeight: 50, For: time.Hour},
	"small": {Memory: 40 << 20, CPU: 200 * time.Millisecond, For: time.Hour},
	"short": {CPU: 500 * time.Millisecond, For: 2 * time.Second},
}

func limitForTheTest() {
	did, instance, ok := strings.Cut(os.Getenv(limitVariable), " ")
	if !ok {
		return
	}
	profile, unit, _ := strings.Cut(instance, ":")
	if did == "eat" {
		eat(profile, unit)
	}
	limits := profiles[profile]
	limits.Profile, limits.Unit = profile, unit
	l := Limiter{Dir: LimitDir, Invocation: os.Getenv("INVOCATION_ID"), Unified: Unified(), Now: time.Now}
	do := func() error { return l.Undo(context.Background(), profile, unit) }
	if did == "apply" {
		do = func() error { return l.Apply(context.Background(), limits) }
	}
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// limitUnits installs the two oneshot units, for instances of any profile and unit.
func limitUnits(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, does := range map[string]string{"nightshift-limit@.service": "apply", "nightshift-unlimit@.service": "undo"} {
		install(t, name, "[Unit]", "StartLimitIntervalSec=0", "[Service]", "Type=oneshot", "ExecStart="+self,
			`Environment="`+limitVariable+"="+does+` %i"`, "RuntimeDirectory=nightshift-limits", "RuntimeDirectoryPreserve=yes")
	}
}

// eater is a service that has taken so much memory, and uses it.
func eater(t *testing.T, name string, mebibytes int, more ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ready := filepath.Join(t.TempDir(), "ready")
	unit := install(t, name, append([]string{"[Service]", "MemoryAccounting=yes", "CPUAccounting=yes", "ExecStart=" + self,
		fmt.Sprintf(`Environment="%s=eat %d:%s"`, limitVariable, mebibytes, ready)}, more...)...)
	run(t, "systemctl", "start", unit)
	eventually(t, unit+" has its memory", func() bool { return exists(ready) })
	return unit
}

// eat takes memory and keeps it.
func eat(mebibytes, ready string) {
	n, err := strconv.Atoi(mebibytes)
	if err != nil {
		panic(err)
	}
	food := bytes.Repeat([]byte{1}, n<<20)
	if err := os.WriteFile(ready, nil, 0o644); err != nil {
		panic(err)
	}
	for range time.Tick(time.Hour) {
		food[0]++
	}
}

// limit takes a step of a profile as the engine does.
func limit(t *testing.T, u *Units, verb remediate.Verb, profile, unit string) remediate.Receipt {
	t.Helper()
	action, step := u.Actions()[verb], stepOf(verb, unit)
	step.Profile = profile
	before, err := action.Witness(within(t, patience), step)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := action.Do(within(t, patience), step, before)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// has is what a unit may use, as systemd and, for its memory, the kernel have it.
func has(t *testing.T, unit string) string {
	t.Helper()
	return run(t, "systemctl", "show", "--property=MemoryHigh,MemoryMax,CPUQuotaPerSecUSec,CPUWeight,DropInPaths,NeedDaemonReload", unit)
}

func TestLimitsAreSetAndTakenBackExactly(t *testing.T) {
	u := reach(t)
	limitUnits(t)
	for name, lines := range map[string][]string{
		"ns-limit-free.service":  nil,
		"ns-limit-loose.service": {"MemoryMax=1G", "CPUQuota=90%"},
	} {
		t.Run(name, func(t *testing.T) {
			unit := eater(t, name, 8, lines...)
			before, pid := has(t, unit), property(t, unit, "MainPID")
			receipt := limit(t, u, remediate.VerbLimit, "safe", unit)
			if receipt.Result != remediate.Done || receipt.Facts["MemoryCurrent"] == "" || receipt.Facts[memoryMax] != "100663296" || receipt.Facts[invocationKey] != "" {
				t.Errorf("%+v", receipt)
			}
			if got := has(t, unit); !strings.Contains(got, "MemoryMax=100663296") || !strings.Contains(got, "CPUQuotaPerSecUSec=500ms") || !strings.Contains(got, "CPUWeight=50\n") {
				t.Errorf("limited, it has %s", got)
			}
			on, err := ReadLimits(LimitDir)
			if err != nil || len(on) != 1 || on[0].Unit != unit || on[0].Profile != "safe" || len(on[0].Limits) != 3 {
				t.Errorf("limits that are on: %+v %v", on, err)
			}
			again := limit(t, u, remediate.VerbLimit, "safe", unit)
			if again.Result != remediate.Done || again.Facts["MemoryMax before"] != receipt.Facts["MemoryMax before"] {
				t.Errorf("once more: %+v", again)
			}
			if other := limit(t, u, remediate.VerbLimit, "small", unit); other.Result != remediate.Failed || !strings.Contains(other.Detail, "limits of safe") {
				t.Errorf("limits of another profile: %+v", other)
			}
			if other := limit(t, u, remediate.VerbUnlimit, "small", unit); other.Result != remediate.Done || !strings.Contains(other.Detail, "those of safe") {
				t.Errorf("the end of another profile's: %+v", other)
			}
			for range 2 {
				if end := limit(t, u, remediate.VerbUnlimit, "safe", unit); end.Result != remediate.Done {
					t.Errorf("%+v", end)
				}
				if got := has(t, unit); got != before {
					t.Errorf("it had\n%s\nand has\n%s", before, got)
				}
			}
			if got := property(t, unit, "MainPID"); got != pid {
				t.Error("it was started anew")
			}
			if timers := run(t, "systemctl", "list-units", "--all", "--plain", "--no-legend", "nightshift-unlimit@*.timer"); timers != "" {
				t.Errorf("timers are left: %s", timers)
			}
		})
	}
}

func TestMemoryThatIsInUseIsNotTakenAway(t *testing.T) {
	u := reach(t)
	limitUnits(t)
	unit := eater(t, "ns-limit-full.service", 36)
	before := has(t, unit)
	receipt := limit(t, u, remediate.VerbLimit, "small", unit)
	if receipt.Result != remediate.Failed || !strings.Contains(receipt.Detail, "less than 1.25 times") || !strings.Contains(receipt.Detail, "it uses ") {
		t.Errorf("%+v", receipt)
	}
	if got := has(t, unit); got != before || property(t, unit, "ActiveState") != active {
		t.Errorf("it has %s", got)
	}
	run(t, "systemctl", "stop", unit)
	if receipt := limit(t, u, remediate.VerbLimit, "safe", unit); receipt.Result != remediate.Failed || !strings.Contains(receipt.Detail, "it is inactive") {
		t.Errorf("one that is down: %+v", receipt)
	}
}

func TestALimitEndsByItselfAndWhatIsStricterStays(t *testing.T) {
	u := reach(t)
	limitUnits(t)
	unit := sleeper(t, "ns-limit-short.service")
	run(t, "systemctl", "start", unit)
	before := has(t, unit)
	if receipt := limit(t, u, remediate.VerbLimit, "short", unit); receipt.Result != remediate.Done {
		t.Fatalf("%+v", receipt)
	}
	if got := has(t, unit); !strings.Contains(got, "CPUQuotaPerSecUSec=500ms") {
		t.Errorf("limited, it has %s", got)
	}
	eventually(t, "the limit is over", func() bool { return has(t, unit) == before })

	strict := sleeper(t, "ns-limit-strict.service", "CPUQuota=20%")
	run(t, "systemctl", "start", strict)
	before = has(t, strict)
	if receipt := limit(t, u, remediate.VerbLimit, "short", strict); receipt.Result != remediate.Done || !strings.Contains(receipt.Detail, "stricter") || has(t, strict) != before {
		t.Errorf("%+v, it has %s", receipt, has(t, strict))
	}
}

func TestWhatSomebodyElseHasSetSinceStays(t *testing.T) {
	u := reach(t)
	limitUnits(t)
	unit := eater(t, "ns-limit-else.service", 8)
	run(t, "systemctl", "set-property", "--runtime", unit, "CPUWeight=70")
	limit(t, u, remediate.VerbLimit, "safe", unit)
	run(t, "systemctl", "set-property", "--runtime", unit, "CPUQuota=40%")
	receipt := limit(t, u, remediate.VerbUnlimit, "safe", unit)
	if receipt.Result != remediate.Done || !strings.Contains(receipt.Detail, "40%, which is not ours") {
		t.Errorf("%+v", receipt)
	}
	got := has(t, unit)
	for _, want := range []string{"CPUQuotaPerSecUSec=400ms", "CPUWeight=70", "MemoryMax=infinity", "50-CPUWeight.conf"} {
		if !strings.Contains(got, want) {
			t.Errorf("it has %s, want %s", got, want)
		}
	}
	if strings.Contains(got, "50-MemoryMax.conf") {
		t.Errorf("a drop-in of ours is left: %s", got)
	}
	run(t, "systemctl", "revert", unit)
}

func TestWhetherALimitHappened(t *testing.T) {
	u := reach(t)
	limitUnits(t)
	unit := sleeper(t, "ns-limit-crash.service")
	run(t, "systemctl", "start", unit)
	happens := func(verb remediate.Verb, want error) {
		t.Helper()
		step := stepOf(verb, unit)
		step.Profile = "short"
		receipt, err := u.Actions()[verb].Happened(within(t, patience), step, nil)
		if !errors.Is(err, want) || want == nil && receipt.Result != remediate.Done {
			t.Errorf("%s: %+v %v, want %v", verb, receipt, err, want)
		}
	}
	happens(remediate.VerbLimit, remediate.ErrNotDone)
	happens(remediate.VerbUnlimit, nil)
	limit(t, u, remediate.VerbLimit, "short", unit)
	happens(remediate.VerbLimit, nil)
	happens(remediate.VerbUnlimit, remediate.ErrNotDone)
	limit(t, u, remediate.VerbUnlimit, "short", unit)
}
