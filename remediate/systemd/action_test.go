package systemd

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"nightshift/remediate"
)

func TestARestartStartsAnew(t *testing.T) {
	u, unit := reach(t), sleeper(t, "ns-anew.service")
	run(t, "systemctl", "start", unit)
	before := property(t, unit, "InvocationID")

	receipt := did(t, u, remediate.VerbRestart, unit, remediate.Done)

	after := property(t, unit, "InvocationID")
	if after == before || receipt.Facts[invocationKey] != after || receipt.Took <= 0 {
		t.Errorf("from %s to %s with the receipt %+v", before, after, receipt)
	}
}

// A freeze that comes while the unit is still being read stops the call.
func TestWhatIsHaltedIsNotDone(t *testing.T) {
	u, unit := reach(t), sleeper(t, "ns-halted.service")
	limitUnits(t)
	run(t, "systemctl", "start", unit)
	before := property(t, unit, "InvocationID")
	for verb, action := range u.Heeding(func() error { return remediate.ErrWithheld }) {
		if verb == remediate.VerbResetFailed || verb == remediate.VerbOneshot || verb == remediate.VerbReload {
			continue // no job, or nothing for a unit like this
		}
		step := remediate.Step{Do: verb, On: remediate.Unit(unit), Profile: "safe"}
		if _, err := action.Do(t.Context(), step, nil); !errors.Is(err, remediate.ErrWithheld) || errors.Is(err, remediate.ErrInDoubt) {
			t.Errorf("%s: %v", verb, err)
		}
	}
	if after := property(t, unit, "InvocationID"); after != before {
		t.Error("it was done all the same")
	}
	is(t, unit, "ActiveState", "active")
}

// The trap: StartLimitBurst= is 5 starts in 10 s, so the start and four restarts
// are fine and the fifth restart leaves a healthy unit dead. (An hour, so that
// nothing hangs on how fast this machine is.)
func TestPlainRestartsLeaveAUnitDead(t *testing.T) {
	unit := sleeper(t, "ns-plain.service", "[Unit]", "StartLimitIntervalSec=1h")
	run(t, "systemctl", "start", unit)
	for range 4 {
		run(t, "systemctl", "restart", unit)
	}
	if out, err := exec.Command("systemctl", "restart", unit).CombinedOutput(); err == nil {
		t.Fatalf("the fifth restart went well: %s", out)
	}
	is(t, unit, "ActiveState", "failed")
}

func TestTenRestartsInARowLeaveTheUnitAlive(t *testing.T) {
	u, unit := reach(t), sleeper(t, "ns-ten.service", "[Unit]", "StartLimitIntervalSec=1h")
	run(t, "systemctl", "start", unit)
	resets := 0
	for range 10 {
		if did(t, u, remediate.VerbRestart, unit, remediate.Done).Facts[resetKey] != "" {
			resets++
		}
	}
	is(t, unit, "ActiveState", "active")
	if resets == 0 || resets > 3 {
		t.Errorf("the start limit was cleared %d times: expected it where it was tight", resets)
	}
}

// Somebody else's starts count too: the journal knows them.
func TestARestartMakesRoomAfterTheStartsOfOthers(t *testing.T) {
	u, unit := reach(t), sleeper(t, "ns-others.service", "[Unit]", "StartLimitIntervalSec=1h")
	run(t, "systemctl", "start", unit)
	for range 3 {
		run(t, "systemctl", "restart", unit)
	}
	journalled(t)
	note := did(t, u, remediate.VerbRestart, unit, remediate.Done).Facts[resetKey]
	if note != "1 of 5 starts in 1h0m0s were left" {
		t.Errorf("the note is %q", note)
	}
}

func TestARestartOfAUnitThatHitItsLimit(t *testing.T) {
	u, flag := reach(t), t.TempDir()+"/well"
	unit := install(t, "ns-limit.service", "[Unit]", "StartLimitIntervalSec=1h", "[Service]", "Restart=always", "RestartSec=1ms",
		`ExecStart=/bin/sh -c 'test -e `+flag+` && exec sleep infinity'`)
	run(t, "systemctl", "start", unit)
	is(t, unit, "ActiveState", "failed")
	journalled(t)
	touch(t, flag)

	if receipt := did(t, u, remediate.VerbRestart, unit, remediate.Done); receipt.Facts[resetKey] == "" {
		t.Errorf("the limit was not cleared: %+v", receipt)
	}
	is(t, unit, "ActiveState", "active")
}

func TestAStopBySomebodyDuringOurRestartIsNotFought(t *testing.T) {
	u := reach(t)
	unit, _ := gated(t, "ns-fought.service")
	receipts := inBackground(within(t, patience), t, u, remediate.VerbRestart, unit)
	is(t, unit, "ActiveState", "activating")
	run(t, "systemctl", "stop", unit)

	if got := <-receipts; got.err != nil || got.receipt.Result != remediate.Canceled {
		t.Errorf("got %+v", got)
	}
	if s := situation(t, u, unit); s.Active || !s.StoppedByJob {
		t.Errorf("afterwards it stands as %+v", s)
	}
}

func TestAJobOutlivesItsDeadline(t *testing.T) {
	u := reach(t)
	unit, file := gated(t, "ns-slow.service")
	action, step := u.Actions()[remediate.VerbRestart], stepOf(remediate.VerbRestart, unit)
	before := witnessOf(t, u, remediate.VerbRestart, unit)
	ctx, expire := expiring()

	endings := inBackground(ctx, t, u, remediate.VerbRestart, unit)
	is(t, unit, "ActiveState", "activating")
	expire()
	if got := <-endings; got.err != nil || got.receipt.Result != remediate.TimedOut {
		t.Fatalf("Do = %+v", got)
	}
	receipt, err := action.Happened(ctx, step, before)
	if err != nil || receipt.Result != remediate.TimedOut {
		t.Errorf("while it starts, Happened = %+v, %v", receipt, err)
	}
	touch(t, file)
	receipt, err = action.Happened(within(t, patience), step, before)
	if err != nil || receipt.Result != remediate.Done || receipt.Facts[activeKey] != active {
		t.Errorf("once it runs, Happened = %+v, %v", receipt, err)
	}
}

// deadline is a context whose deadline passes when the test says so.
type deadline struct{ context.Context }

func expiring() (ctx context.Context, expire func()) {
	ctx, expire = context.WithCancel(context.Background())
	return deadline{ctx}, expire
}

func (d deadline) Err() error {
	if d.Context.Err() != nil {
		return context.DeadlineExceeded
	}
	return nil
}

func TestAQueuedJobOfOthersIsWaitedForByTheEngine(t *testing.T) {
	u := reach(t)
	unit, _ := gated(t, "ns-queued.service")
	run(t, "systemctl", "start", "--no-block", unit)

	_, err := do(t, u, remediate.VerbRestart, unit)
	if err == nil || errors.Is(err, remediate.ErrInDoubt) || !strings.Contains(err.Error(), "queued job") {
		t.Errorf("got %v", err)
	}
}

func TestAnEndOfTheAgentLeavesAJobInDoubt(t *testing.T) {
	u := reach(t)
	unit, _ := gated(t, "ns-leaving.service")
	ctx, leave := context.WithCancel(context.Background())
	endings := inBackground(ctx, t, u, remediate.VerbStart, unit)
	is(t, unit, "ActiveState", "activating")
	leave()
	if got := <-endings; !errors.Is(got.err, remediate.ErrInDoubt) {
		t.Errorf("got %+v", got)
	}
}

func TestWhatSystemdCouldNotDo(t *testing.T) {
	u := reach(t)
	broken := install(t, "ns-broken.service", "[Service]", "Type=exec", "ExecStart=/nowhere")
	needy := sleeper(t, "ns-needy.service", "[Unit]", "Requires=ns-broken.service", "After=ns-broken.service")
	skipped := sleeper(t, "ns-skipped.service", "[Unit]", "ConditionPathExists=/nowhere")
	asserting := sleeper(t, "ns-asserting.service", "[Unit]", "AssertPathExists=/nowhere")
	for unit, detail := range map[string]string{
		broken:    `systemd answered "failed": the unit is failed (failed), Result=exit-code`,
		needy:     `systemd answered "dependency"`,
		asserting: `systemd answered "assert"`,
		skipped:   "the unit was not started: a condition of it does not hold",
	} {
		for _, verb := range []remediate.Verb{remediate.VerbStart, remediate.VerbRestart} {
			receipt := did(t, u, verb, unit, remediate.Failed)
			if !strings.HasPrefix(receipt.Detail, detail) {
				t.Errorf("%s %s: %q, expected %q", verb, unit, receipt.Detail, detail)
			}
		}
	}
}

func TestWhatIsNotAskedOfSystemd(t *testing.T) {
	u := reach(t)
	plain, stays := sleeper(t, "ns-simple.service"), install(t, "ns-stays.service",
		"[Service]", "Type=oneshot", "RemainAfterExit=yes", "ExecStart=/bin/true")
	run(t, "systemctl", "start", plain, stays)
	for _, c := range []struct {
		verb       remediate.Verb
		unit, says string
	}{
		{remediate.VerbRestart, "ns-nowhere.service", "LoadState=not-found"},
		{remediate.VerbOneshot, plain, "Type=simple"},
		{remediate.VerbOneshot, stays, "RemainAfterExit=yes"},
		{remediate.VerbReload, plain, "not applicable"},
		{remediate.VerbResetFailed, "ns-nowhere.service", "not loaded"},
	} {
		_, err := do(t, u, c.verb, c.unit)
		if err == nil || errors.Is(err, remediate.ErrInDoubt) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %s: %v, expected %q", c.verb, c.unit, err, c.says)
		}
	}
	if _, err := u.Actions()[remediate.VerbRestart].Do(within(t, patience), stepOf(remediate.VerbRestart, "ns-*.service"), nil); err == nil {
		t.Error("a glob was taken for a unit")
	}
}

func TestStartStopReloadAndResetFailed(t *testing.T) {
	u, unit := reach(t), sleeper(t, "ns-verbs.service", "ExecReload=/bin/kill -CONT $MAINPID")
	first := did(t, u, remediate.VerbStart, unit, remediate.Done)
	again := did(t, u, remediate.VerbStart, unit, remediate.Done)
	if first.Facts[invocationKey] != again.Facts[invocationKey] {
		t.Errorf("the start of a unit that runs started it anew: %v, %v", first, again)
	}
	did(t, u, remediate.VerbReload, unit, remediate.Done)
	if stopped := did(t, u, remediate.VerbStop, unit, remediate.Done); stopped.Facts[activeKey] != inactive {
		t.Errorf("after a stop: %+v", stopped)
	}
	did(t, u, remediate.VerbResetFailed, unit, remediate.Done) // though there is nothing to clear

	broken := install(t, "ns-clear.service", "[Service]", "ExecStart=/bin/false")
	run(t, "systemctl", "start", broken)
	is(t, broken, "ActiveState", failed)
	if cleared := did(t, u, remediate.VerbResetFailed, broken, remediate.Done); cleared.Facts[activeKey] != inactive {
		t.Errorf("after reset-failed: %+v", cleared)
	}
}

func TestOneshotUnitsSayHowTheyEnded(t *testing.T) {
	u := reach(t)
	for status, want := range map[int]remediate.Result{0: remediate.Done, 3: remediate.Failed} {
		unit := install(t, "ns-once-"+strconv.Itoa(status)+".service",
			"[Service]", "Type=oneshot", "ExecStart=/bin/sh -c 'sleep 0.05; exit "+strconv.Itoa(status)+"'")
		receipt := did(t, u, remediate.VerbOneshot, unit, want)
		if receipt.Facts[statusKey] != strconv.Itoa(status) || (receipt.Facts[resultKey] == success) != (status == 0) {
			t.Errorf("%s: %+v", unit, receipt)
		}
	}
}

type ending struct {
	receipt remediate.Receipt
	err     error
}

// inBackground takes a step and sends how it ended.
func inBackground(ctx context.Context, t *testing.T, u *Units, verb remediate.Verb, unit string) <-chan ending {
	t.Helper()
	before := witnessOf(t, u, verb, unit)
	endings := make(chan ending, 1)
	go func() {
		receipt, err := u.Actions()[verb].Do(ctx, stepOf(verb, unit), before)
		endings <- ending{receipt, err}
	}()
	return endings
}

func touch(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}
