package journal

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"nightshift/remediate"
)

// fold is the state that the tests keep: how many events of each incident.
type fold struct {
	Events map[remediate.ID]int `json:"events"`
}

// agent is a journal with the fold of its events, as the engine has it.
type agent struct {
	*Journal
	fold fold
	// now is its clock; it stands still unless a test moves it.
	now remediate.Instant
}

var startOfTests = remediate.Instant{Wall: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Boot: "b1", Up: time.Hour}

// options are those of an agent without a listener.
func (a *agent) options(dir string) Options {
	return Options{
		Dir: dir, Host: "rave-1", Agent: "1.0.0", Inventory: "inv", Playbooks: "pb",
		Now:      func() remediate.Instant { return a.now },
		Snapshot: func() ([]byte, error) { return remediate.EncodeJSON(a.fold) },
	}
}

// newAgent is an agent that is not started.
func newAgent() *agent {
	return &agent{now: startOfTests, fold: fold{Events: map[remediate.ID]int{}}}
}

// start opens the journal in dir and replays it; the test's end closes it.
func start(t testing.TB, dir string, change ...func(*Options)) *agent {
	t.Helper()
	a := newAgent()
	o := a.options(dir)
	for _, c := range change {
		c(&o)
	}
	j, err := Open(t.Context(), o)
	if err != nil {
		t.Fatalf("cannot open: %v", err)
	}
	a.Journal = j
	t.Cleanup(func() { a.stop(t) })
	if _, err := j.Replay(t.Context(), a.apply); err != nil {
		t.Fatalf("cannot replay: %v", err)
	}
	return a
}

func (a *agent) stop(t testing.TB) {
	t.Helper()
	if a.Journal == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := a.Close(ctx); err != nil {
		t.Errorf("cannot close: %v", err)
	}
	a.Journal = nil
}

// apply folds what is replayed.
func (a *agent) apply(r Recorded) error {
	if r.Snapshot != nil {
		a.fold = fold{}
		return remediate.DecodeJSON(r.Snapshot, &a.fold)
	}
	a.fold.Events[r.Incident]++
	return nil
}

// comment is an event of an incident with some text in it.
func (a *agent) comment(id remediate.ID, text string) remediate.Event {
	return remediate.Event{Type: remediate.IncidentAnswered, Incident: id, At: a.now,
		Answered: &remediate.Answered{Verb: remediate.PersonResumes, By: "oncall-1", Comment: text}}
}

// add appends n events of ten incidents and folds them.
func (a *agent) add(t testing.TB, n int) {
	t.Helper()
	for i := range n {
		id := remediate.ID(fmt.Sprintf("INC%05d", i/10))
		if _, err := a.Append(t.Context(), a.comment(id, fmt.Sprint("event ", i))); err != nil {
			t.Fatalf("cannot append event %d: %v", i, err)
		}
		a.fold.Events[id]++
	}
}

// purgeBefore removes what is before a sequence, as a limit does.
func purgeBefore(seq uint64) jetstream.StreamPurgeOpt { return jetstream.WithPurgeSequence(seq) }

// wantFlaw fails unless damage has a flaw of kind.
func wantFlaw(t testing.TB, damage *Damage, kind FlawKind) {
	t.Helper()
	if damage == nil || !slices.ContainsFunc(damage.Flaws, func(f Flaw) bool { return f.Kind == kind }) {
		t.Errorf("the damage is %v, want %s", damage, kind)
	}
}
