package systemd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"nightshift/remediate"
)

// actVariable makes a process of this test binary take one step ("restart
// a.service") and print how it ended, as a user that is not root.
const actVariable = "NIGHTSHIFT_TEST_ACT"

// told is what such a process prints.
type told struct {
	Receipt          remediate.Receipt
	Error            string
	InDoubt, Reached bool
	Situation        remediate.Situation
}

// actForTheTest is the whole life of such a process.
func actForTheTest() {
	verb, unit, ok := strings.Cut(os.Getenv(actVariable), " ")
	if !ok {
		return
	}
	bus := Connect(Options{Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry()})
	defer bus.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	u := NewUnits(bus, nil)
	receipt, err := u.Actions()[remediate.Verb(verb)].Do(ctx, stepOf(remediate.Verb(verb), unit), nil)
	out := told{Receipt: receipt, Reached: bus.Connected(), InDoubt: errors.Is(err, remediate.ErrInDoubt)}
	if err != nil {
		out.Error = err.Error()
	}
	out.Situation, _ = u.Situation(ctx, remediate.Unit(unit))
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		panic(err)
	}
	os.Exit(0)
}

// nobody is a process that takes a step as user nobody, in the group that may read
// the journal if reads is set.
func nobody(t *testing.T, reads bool, verb remediate.Verb, unit string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s", actVariable, verb, unit))
	credential := &syscall.Credential{Uid: number(t, "uid"), Gid: number(t, "gid")}
	if reads {
		credential.Groups = []uint32{number(t, "journal")}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	cmd.Stderr = os.Stderr
	return cmd
}

// asNobody lets such a process take the step to its end.
func asNobody(t *testing.T, reads bool, verb remediate.Verb, unit string) told {
	t.Helper()
	text, err := nobody(t, reads, verb, unit).Output()
	if err != nil {
		t.Fatal(err)
	}
	var out told
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return out
}

func number(t *testing.T, what string) uint32 {
	t.Helper()
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	journal, err := user.LookupGroup("systemd-journal")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseUint(map[string]string{"uid": nobody.Uid, "gid": nobody.Gid, "journal": journal.Gid}[what], 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

func TestWithoutARuleOfPolkitNothingIsDone(t *testing.T) {
	unit := sleeper(t, "ns-forbidden.service")
	run(t, "systemctl", "start", unit)
	before := property(t, unit, "InvocationID")
	for _, verb := range []remediate.Verb{remediate.VerbRestart, remediate.VerbStop, remediate.VerbResetFailed} {
		got := asNobody(t, true, verb, unit)
		for _, part := range []string{"cannot " + string(verb) + " " + unit, "polkit", "user nobody", "nightshift config polkit"} {
			if !strings.Contains(got.Error, part) {
				t.Errorf("%q does not say %q", got.Error, part)
			}
		}
		if got.InDoubt || !got.Reached {
			t.Errorf("%s: %+v", verb, got)
		}
	}
	if after := property(t, unit, "InvocationID"); after != before {
		t.Error("it was restarted")
	}
}

// allowed makes polkit allow nobody to restart the unit, after it has run what is
// in first.
func allowed(t *testing.T, unit, first string) {
	t.Helper()
	const rule = "/etc/polkit-1/rules.d/50-test.rules"
	text := `polkit.addRule(function(action, subject) {
		if (action.id == "org.freedesktop.systemd1.manage-units" && subject.user == "nobody" &&
		    action.lookup("unit") == "` + unit + `" && action.lookup("verb") == "restart") {
			` + first + `
			return polkit.Result.YES;
		}
	});`
	if err := os.WriteFile(rule, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(rule) })
	run(t, "systemctl", "restart", "polkit.service")
}

func TestPolkitLetsAUserActOnOneUnit(t *testing.T) {
	mine, other := sleeper(t, "ns-mine.service"), sleeper(t, "ns-other.service")
	allowed(t, mine, "")

	got := asNobody(t, true, remediate.VerbRestart, mine)
	if got.Error != "" || got.Receipt.Result != remediate.Done || !got.Situation.Active {
		t.Errorf("what is allowed: %+v", got)
	}
	if got := asNobody(t, true, remediate.VerbRestart, other); got.Error == "" {
		t.Errorf("what is not allowed: %+v", got)
	}
}

// Without the journal it can't be told who stopped a unit: then nothing is known.
func TestWithoutTheJournalAUnitThatIsDownIsNotKnown(t *testing.T) {
	unit := sleeper(t, "ns-unread.service")
	got := asNobody(t, false, remediate.VerbRestart, unit)
	if got.Situation.Known || !strings.Contains(got.Situation.Detail, "systemd-journal") {
		t.Errorf("got %+v", got.Situation)
	}
}
