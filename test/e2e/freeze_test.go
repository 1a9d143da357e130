package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/guard"
	"nightshift/remediate/oncall"
	"nightshift/test/stage"
)

const (
	// freezeHoldsWithin is the promise: no effect starts later after a freeze.
	freezeHoldsWithin = time.Second
	// reaction is from a webhook to the restart, about.
	reaction = 60 * time.Millisecond
)

// The ways of freezing, and how often each is tried while an incident is at it.
const (
	freezesByFile    = 50
	freezesByPerson  = 30
	freezesByCommand = 10
	freezesCutOff    = 10
)

// atOnce has the agent be done with an incident within a tenth of a second.
var atOnce = stage.Inventory{
	Verify:   "{settle: 1ms, window: 50ms, within: 10s, every: 20ms}",
	Attempts: "{max: 100, per: 10s, cooldown: 1ms}",
}

func TestNoEffectStartsASecondAfterAFreeze(t *testing.T) {
	anna := stage.NewPerson(t, "anna", "restart")
	with := atOnce
	with.People = []stage.Person{anna}
	a := on.Begin(t, stage.Option{Inventory: with})
	say := func(verb string) {
		if _, err := a.SayAs(anna, verb, oncall.Request{Comment: "a test"}); err != nil {
			t.Fatal(err)
		}
	}
	files := []string{"/var/lib/nightshift/freeze", "/etc/nightshift/freeze"}
	refused := 0
	for n := range freezesByFile + freezesByPerson + freezesByCommand {
		var freeze, thaw func()
		switch {
		case n < freezesByFile:
			path := files[n%len(files)]
			freeze, thaw = func() { touch(t, path) }, func() { remove(t, path) }
		case n < freezesByFile+freezesByPerson:
			freeze, thaw = func() { say(oncall.Freeze) }, func() { say(oncall.Thaw) }
		default:
			freeze, thaw = func() { a.Nightshift("freeze", "a test") }, func() { a.Nightshift("thaw") }
		}
		if frozenInTheAct(t, a, n, freeze) {
			refused++
		}
		thaw()
	}
	if refused == 0 {
		t.Error("every freeze came too late to keep anything from being done: nothing was proved")
	}
	t.Logf("%d of %d freezes came before the act", refused, freezesByFile+freezesByPerson+freezesByCommand)
}

// frozenInTheAct has an incident begin and freezes the agent at some moment of it. It
// reports whether the freeze kept it from acting.
func frozenInTheAct(t *testing.T, a *stage.Agent, n int, freeze func()) bool {
	t.Helper()
	before := len(a.Starts(t, stage.Dispatcher))
	a.Break(t, stage.WebhookErrors)
	a.Send(stage.Alert{Name: stage.WebhookErrorsAlert, Case: fmt.Sprint(n)})
	time.Sleep(rand.N(reaction)) // the moment is what is tried, nothing is waited for
	from := time.Now()
	freeze()
	story := a.AwaitSettled(n)
	for _, e := range story.Entries {
		if e.Type == remediate.StepStarted && e.At.Wall.Sub(from) > freezeHoldsWithin {
			t.Errorf("freeze %d: a step was begun %s after it", n, e.At.Wall.Sub(from))
		}
	}
	acted := len(a.Starts(t, stage.Dispatcher)) > before
	if acted && a.LastStart(t, stage.Dispatcher).Sub(from) > freezeHoldsWithin {
		t.Errorf("freeze %d: the unit was started %s after it", n, a.LastStart(t, stage.Dispatcher).Sub(from))
	}
	if i := story.Incident; i.State == remediate.Escalated {
		if i.Reason != guard.ReasonFrozen || acted {
			t.Errorf("freeze %d: the incident is with people because of %s, its unit started anew: %t", n, i.Reason, acted)
		}
		a.Say(oncall.Close, oncall.Request{Incident: string(i.ID), Force: true})
	}
	return !acted
}

// TestAFileFreezesAnAgentThatNobodyReaches: it does not listen to people.
func TestAFileFreezesAnAgentThatNobodyReaches(t *testing.T) {
	a := on.Begin(t, stage.Option{Inventory: atOnce, Env: []string{"NIGHTSHIFT_NATS_LISTEN="}})
	const freeze = "/etc/nightshift/freeze"
	for n := range freezesCutOff {
		if n > 0 {
			a.StartAfresh() // which removes the file: nobody can close what it has kept from being done
		}
		before := len(a.Starts(t, stage.Dispatcher))
		a.Break(t, stage.WebhookErrors)
		a.Send(webhookErrors)
		time.Sleep(rand.N(reaction))
		from := time.Now()
		touch(t, freeze)
		a.Await("the incident to be over or with people", func() bool {
			return a.Metric("nightshift_incidents_total", `outcome="escalated"`)+a.Metric("nightshift_incidents_total", `outcome="resolved"`) == 1
		})
		if len(a.Starts(t, stage.Dispatcher)) > before && a.LastStart(t, stage.Dispatcher).Sub(from) > freezeHoldsWithin {
			t.Errorf("freeze %d: the unit was started %s after it", n, a.LastStart(t, stage.Dispatcher).Sub(from))
		}
		a.Await("the agent to say that it is frozen", func() bool { return a.Metric("nightshift_frozen ") == 1 })
	}
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := on.World.WriteFile(path, []byte("a test\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(on.World.Path(path)); err != nil {
		t.Fatal(err)
	}
}
