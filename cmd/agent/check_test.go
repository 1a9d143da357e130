package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/agent"
)

// answers are one round of checks with these answers.
func answers(all ...remediate.Health) []agent.Checked {
	checked := []agent.Checked{
		{Name: "front", Kind: "probe"}, {Name: "nginx.service", Kind: "unit"}, {Name: "memory", Kind: "probe"},
	}[:len(all)]
	for n, health := range all {
		checked[n].Observation = remediate.Observation{Probe: checked[n].Name, Health: health, Detail: "seen\nso", Took: 12 * time.Millisecond}
	}
	return checked
}

// script answers with one round after the other, the last again and again.
func script(rounds ...[]agent.Checked) func(context.Context) []agent.Checked {
	return func(context.Context) []agent.Checked {
		round := rounds[0]
		if len(rounds) > 1 {
			rounds = rounds[1:]
		}
		return round
	}
}

func status(err error) int {
	if f := new(failure); errors.As(err, f) {
		return f.status
	}
	return statusOK
}

func TestTheExitStatusOfACheck(t *testing.T) {
	for _, test := range []struct {
		answers []agent.Checked
		want    int
		words   string
	}{
		{answers(remediate.Healthy, remediate.Healthy), 0, "all 2 healthy"},
		{answers(remediate.Healthy, remediate.Unhealthy), 1, "1 of 2 unhealthy"},
		{answers(remediate.Unknown, remediate.Unhealthy), 1, "1 of 2 unhealthy, 1 unknown"},
		{answers(remediate.Healthy, remediate.Unknown), 2, "1 of 2 unknown"},
		{nil, 2, "nothing to check: the inventory names no probes and no units"},
	} {
		if got := status(verdictOf(test.answers)); got != test.want {
			t.Errorf("%s: exit status %d, want %d", test.words, got, test.want)
		}
		if got := summary(test.answers); got != test.words {
			t.Errorf("summary = %q, want %q", got, test.words)
		}
	}
	if got := status(undecided(errors.New("no inventory"))); got != 2 {
		t.Errorf("a check that failed: exit status %d, want 2", got)
	}
	if got := status(undecided(failure{statusConfig, errors.New("no inventory")})); got != 2 {
		t.Errorf("a check without a configuration: exit status %d, want 2", got)
	}
}

func TestACheckForPeopleAndForPrograms(t *testing.T) {
	out, text := page()
	k := checker{run: script(answers(remediate.Healthy, remediate.Unhealthy, remediate.Unknown)), out: out, now: func() time.Time { return noon }}
	k.once(t.Context())
	k.json = true
	k.once(t.Context())
	golden(t, "check.golden", text.String())
}

func TestWhatCantBeToldIsAskedOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, _ := page()
		k := checker{run: script(answers(remediate.Unknown), answers(remediate.Healthy), answers(remediate.Unhealthy)), out: out, now: time.Now}
		if err := k.once(t.Context()); err != nil {
			t.Errorf("got %v, want the second look: healthy", err)
		}
	})
}

func TestWaitAsksUntilAllIsHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, _ := page()
		progress, said := page()
		bad := answers(remediate.Unhealthy, remediate.Healthy)
		k := checker{run: script(bad, bad, answers(remediate.Unknown, remediate.Healthy), answers(remediate.Healthy)), out: out, progress: progress, now: time.Now}
		began := time.Now()
		if err := k.wait(t.Context(), time.Minute); err != nil {
			t.Errorf("got %v, want all healthy", err)
		}
		if took := time.Since(began); took != 3*askAgain {
			t.Errorf("it took %s, want %s", took, 3*askAgain)
		}
		if got, want := said.String(), "     +0s  1 of 2 unhealthy\n     +4s  1 of 2 unknown\n"; got != want {
			t.Errorf("progress = %q, want %q", got, want)
		}
	})
}

func TestWaitGivesUpWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, _ := page()
		progress, _ := page()
		k := checker{run: script(answers(remediate.Unhealthy)), out: out, progress: progress, now: time.Now}
		began := time.Now()
		if got := status(k.wait(t.Context(), 5*time.Second)); got != 1 {
			t.Errorf("exit status %d, want 1", got)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it took %s, want 5s", took)
		}
	})
}

func TestWatchEndsWithTheLastVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, _ := page()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		k := checker{run: script(answers(remediate.Healthy), answers(remediate.Unhealthy)), out: out, now: time.Now}
		if got := status(k.watch(ctx)); got != 1 {
			t.Errorf("exit status %d, want 1", got)
		}
	})
}
