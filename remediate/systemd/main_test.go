package systemd

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"nightshift/remediate"
	"nightshift/test/world"
)

// TestMain runs every test of this package inside a world, beside a real systemd.
func TestMain(m *testing.M) {
	actForTheTest()
	limitForTheTest()
	world.Enter(world.Options{})
	goleak.VerifyTestMain(m)
}

// patience bounds what is waited for in these tests; on an idle machine it all
// takes milliseconds.
const patience = 30 * time.Second

// reach connects to the world's systemd.
func reach(t testing.TB) *Units {
	t.Helper()
	return NewUnits(reachAt(t, Options{}), func() []string { return nil })
}

func reachAt(t testing.TB, o Options) *Bus {
	t.Helper()
	o.Log, o.Registry = slog.New(slog.DiscardHandler), prometheus.NewRegistry()
	bus := Connect(o)
	t.Cleanup(bus.Close)
	return bus
}

// install makes a unit of the lines, which is gone when the test ends.
func install(t testing.TB, name string, lines ...string) string {
	t.Helper()
	writeUnit(t, name, lines...)
	run(t, "systemctl", "daemon-reload")
	return name
}

// writeUnit is install for one of several units: systemd has to be told of them.
func writeUnit(t testing.TB, name string, lines ...string) {
	t.Helper()
	path := filepath.Join("/run/systemd/system", name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("systemctl", "stop", name).Run()
		_ = exec.Command("systemctl", "reset-failed", name).Run()
		_ = os.Remove(path)
	})
}

// startIfMay starts a unit where what it depends on lets it.
func startIfMay(name string) { _ = exec.Command("systemctl", "start", name).Run() }

// settle waits until none of the units has a job.
func settle(t testing.TB, units []string) {
	t.Helper()
	eventually(t, "no unit has a job", func() bool {
		return strings.Trim(run(t, "systemctl", append([]string{"list-jobs", "--no-legend"}, units...)...), "\n") == ""
	})
}

// sleeper is a service that runs until it is stopped.
func sleeper(t testing.TB, name string, more ...string) string {
	t.Helper()
	return install(t, name, append([]string{"[Service]", "ExecStart=/bin/sleep infinity"}, more...)...)
}

// gated is a service that starts once the returned file exists.
func gated(t testing.TB, name string) (unit, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "go")
	return sleeper(t, name, `ExecStartPre=/bin/sh -c 'until [ -e `+file+` ]; do sleep 0.02; done'`), file
}

func run(t testing.TB, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// property is what systemctl says of a unit.
func property(t testing.TB, unit, name string) string {
	t.Helper()
	return run(t, "systemctl", "show", "--value", "--property="+name, unit)
}

// is waits until a unit's property has a value.
func is(t testing.TB, unit, name, value string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s of %s is %s", name, unit, value), func() bool { return property(t, unit, name) == value })
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// journalled waits until the journal holds what PID 1 has logged.
func journalled(t testing.TB) {
	t.Helper()
	run(t, "journalctl", "--sync")
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func stepOf(verb remediate.Verb, unit string) remediate.Step {
	return remediate.Step{Do: verb, On: remediate.Unit(unit), Risk: remediate.Verbs[verb].Risk}
}

// do takes a step as the engine does: the witness first.
func do(t testing.TB, u *Units, verb remediate.Verb, unit string) (remediate.Receipt, error) {
	t.Helper()
	action, step := u.Actions()[verb], stepOf(verb, unit)
	before, err := action.Witness(within(t, patience), step)
	if err != nil {
		t.Fatal(err)
	}
	return action.Do(within(t, patience), step, before)
}

// did is do for a step that must end with a result.
func did(t testing.TB, u *Units, verb remediate.Verb, unit string, want remediate.Result) remediate.Receipt {
	t.Helper()
	receipt, err := do(t, u, verb, unit)
	if err != nil || receipt.Result != want {
		t.Fatalf("%s %s = %+v, %v; expected %s", verb, unit, receipt, err, want)
	}
	return receipt
}

// witnessOf reads a witness.
func witnessOf(t testing.TB, u *Units, verb remediate.Verb, unit string) remediate.Witness {
	t.Helper()
	before, err := u.Actions()[verb].Witness(within(t, patience), stepOf(verb, unit))
	if err != nil {
		t.Fatal(err)
	}
	return before
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
