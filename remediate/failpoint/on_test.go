//go:build failpoints

package failpoint_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"nightshift/remediate/failpoint"
)

// TestMain is also the child that is killed: with VISIT it visits each of the
// comma-separated places and ends well.
func TestMain(m *testing.M) {
	if visit := os.Getenv("VISIT"); visit != "" {
		for name := range strings.SplitSeq(visit, ",") {
			failpoint.Here(name)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child runs this binary with the failpoint armed, and tells what it visits.
func child(t *testing.T, armed, visit string) error {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), failpoint.Variable+"="+armed, "VISIT="+visit)
	return cmd.Run()
}

func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

func TestEveryPlaceKillsTheProcess(t *testing.T) {
	for _, name := range failpoint.Names() {
		if err := child(t, name, name); !killed(err) {
			t.Errorf("%s: the child ended with %v, want it killed", name, err)
		}
	}
}

func TestOnlyTheNamedHitKills(t *testing.T) {
	const name = "step.effect.after"
	if err := child(t, name+":3", name+","+name); err != nil {
		t.Errorf("two hits of %s:3: %v, want a child that lives", name, err)
	}
	if err := child(t, name+":3", name+","+name+","+name); !killed(err) {
		t.Errorf("three hits of %s:3: %v, want it killed", name, err)
	}
	if err := child(t, "step.effect.before", name); err != nil {
		t.Errorf("a hit of another place: %v, want a child that lives", err)
	}
}

func TestMistakesAreLoud(t *testing.T) {
	for _, armed := range []string{"no.such.place", "step.effect.after:0", "step.effect.after:x"} {
		if err := child(t, armed, "step.effect.after"); err == nil || killed(err) {
			t.Errorf("%s=%s: %v, want a child that refuses to start", failpoint.Variable, armed, err)
		}
	}
	if err := child(t, "", "no.such.place"); err == nil || killed(err) {
		t.Errorf("a place that is not listed: %v, want a panic", err)
	}
}
