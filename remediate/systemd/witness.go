package systemd

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"nightshift/remediate"
)

// What witnesses and receipts hold, by systemd's own names where it has one.
const (
	invocationKey = "InvocationID"
	activeKey     = "ActiveState"
	subKey        = "SubState"
	resultKey     = "Result"
	statusKey     = "ExecMainStatus"
	resetKey      = "ResetFailed"
	bootKey       = "BootID"
	clockKey      = "CLOCK_MONOTONIC" // in microseconds: when the witness was read
)

// witness reads what would tell later whether a step on the unit happened.
func (u *Units) witness(ctx context.Context, step remediate.Step) (remediate.Witness, error) {
	name, err := unitOf(step.On)
	if err != nil {
		return nil, err
	}
	boot, err := bootID()
	if err != nil {
		return nil, err
	}
	at := monotonic()
	now, err := u.glance(ctx, name)
	if err != nil {
		return nil, err
	}
	return remediate.Witness{
		invocationKey: now.invocation,
		activeKey:     now.activeState,
		bootKey:       boot,
		clockKey:      strconv.FormatInt(at.Microseconds(), 10),
	}, nil
}

// witnessed is when the witness was read, by CLOCK_MONOTONIC of its boot.
func witnessed(before remediate.Witness) time.Duration {
	us, _ := strconv.ParseUint(before[clockKey], 10, 64)
	return microseconds(us)
}

// receipt says what became of a step, with what was read of its unit afterwards.
func receipt(result remediate.Result, detail string, after state) remediate.Receipt {
	facts := map[string]string{}
	add := func(key, value string) {
		if value != "" {
			facts[key] = value
		}
	}
	add(invocationKey, after.invocation)
	add(activeKey, after.activeState)
	add(subKey, after.subState)
	add(resultKey, after.result)
	if after.kind != "" {
		add(statusKey, strconv.Itoa(int(after.exitStatus)))
	}
	return remediate.Receipt{Result: result, Detail: remediate.Brief(detail), Facts: facts}
}

// outcome is what the world shows of a job whose end was not heard.
type outcome int

const (
	unclear outcome = iota
	happened
	didNot
)

// judge compares what was read before a job with what is read now.
type judge func(before remediate.Witness, now state, boot string) outcome

// startedAnew judges by the InvocationID, which changes exactly when a unit is
// started. Another boot has started anew what runs in it. A unit that systemd has
// forgotten has none.
func startedAnew(before remediate.Witness, now state, boot string) outcome {
	switch {
	case before[bootKey] != boot && now.isActive():
		return happened
	case before[bootKey] != boot:
		return didNot
	case now.invocation == "":
		return unclear
	case now.invocation != before[invocationKey]:
		return happened
	}
	return didNot
}

// isUp judges a start: it is for a unit to run, whoever started it.
func isUp(before remediate.Witness, now state, boot string) outcome {
	if now.isActive() {
		return happened
	}
	return startedAnew(before, now, boot)
}

// isStopped judges a stop.
func isStopped(_ remediate.Witness, now state, _ string) outcome {
	if now.isDown() {
		return happened
	}
	return didNot
}

// leavesNoTrace judges a reload, which may be done once more.
func leavesNoTrace(remediate.Witness, state, string) outcome { return didNot }

// settleEvery is how often a job that was not ours to hear is looked for.
const settleEvery = 100 * time.Millisecond

// settled reads a unit when it has no job any more, and none can come of what was
// asked before, or when ctx ends: then its job is in what was read. It reads at
// least once.
func (u *Units) settled(ctx context.Context, target remediate.Target) (state, error) {
	name, err := unitOf(target)
	if err != nil {
		return state{}, err
	}
	// systemd has taken what came before our read; what it asked polkit of that is
	// answered next.
	if _, err := u.glance(context.WithoutCancel(ctx), name); err != nil {
		return state{}, err
	}
	if err := u.polkitAnswered(ctx); err != nil {
		return state{}, fmt.Errorf("cannot tell what polkit has still to answer: %w", err)
	}
	ticker := time.NewTicker(settleEvery)
	defer ticker.Stop()
	for {
		now, err := u.read(context.WithoutCancel(ctx), name)
		if err != nil || now.job == 0 {
			return now, err
		}
		select {
		case <-ctx.Done():
			return now, nil
		case <-ticker.C:
		}
	}
}

// recall asks the journal what became of a unit that systemd has forgotten, as it
// forgets a oneshot unit that ended well as soon as it has.
func (u *Units) recall(ctx context.Context, step remediate.Step, unit string, before remediate.Witness) (remediate.Receipt, error) {
	log, err := historyOf(ctx, unit, recentLines, "JOB_TYPE=start")
	if err != nil {
		return remediate.Receipt{}, inDoubt(step, err)
	}
	start, ok := log.lastJob()
	if !ok || start.at() < witnessed(before) {
		return remediate.Receipt{}, inDoubt(step, fmt.Errorf("systemd has forgotten the unit, and the journal shows no start"))
	}
	did := receipt(resultOf(start.JobResult), fmt.Sprintf("the journal shows a start that ended %q", start.JobResult), state{})
	if start.wasSkipped() {
		did.Result = remediate.Failed
	}
	did.Facts[invocationKey] = start.Invocation
	return did, nil
}

// wasSkipped is whether a start that is done did not happen, because a condition
// of the unit does not hold. Of a unit that systemd has forgotten, the journal
// knows it.
func (u *Units) wasSkipped(ctx context.Context, after state, before remediate.Witness) bool {
	if !after.isDown() || after.invocation != "" && after.invocation != before[invocationKey] {
		return false
	}
	if after.invocation != "" {
		return !after.conditions
	}
	log, err := historyOf(ctx, after.name, recentLines, "JOB_TYPE=start")
	if err != nil {
		return false
	}
	start, ok := log.lastJob()
	return ok && start.at() > witnessed(before) && start.wasSkipped()
}
