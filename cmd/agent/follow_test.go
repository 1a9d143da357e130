package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// heldAgent is an agent with one incident, that of goingBack, whose log grows by what
// people say. What it knows beyond that nobody asks here.
type heldAgent struct {
	oncall.Agent
	oncall.Machines

	mu     sync.Mutex
	log    []remediate.Event
	said   []string
	yes    []remediate.Event // what follows a yes
	denied []remediate.Event // and a no
	heard  func()            // called when something was said; nil is nothing
	// changed is what the incident does instead of taking the first yes.
	changed []remediate.Event
}

func (a *heldAgent) Say(_ context.Context, id string, s remediate.Said) (remediate.Incident, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said = append(a.said, s.Verb+" "+s.Plan)
	follows := a.yes
	if s.Verb == oncall.Deny {
		follows = a.denied
	}
	if a.changed != nil {
		a.happens(a.changed)
		a.changed = nil
		return remediate.Incident{}, errors.New("cannot approve incident 7K2M9QX4: what it would do is not what you saw")
	}
	a.happens(follows)
	if a.heard != nil {
		a.heard()
	}
	return remediate.Incident{ID: remediate.ID(id), State: remediate.Open}, nil
}

func (a *heldAgent) happens(events []remediate.Event) {
	for _, e := range events {
		e.Incident = "7K2M9QX4"
		a.log = append(a.log, e)
	}
}

func (a *heldAgent) Events(_ context.Context, _ remediate.ID, _ time.Time, f func(remediate.Event) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.log {
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

func (a *heldAgent) Stored(context.Context, remediate.ID, time.Time, func(oncall.StoredEvent) bool) error {
	return errors.New("nobody asks for that")
}

func (a *heldAgent) Evidence(context.Context, string) (string, error) { return "", nil }

// wentBack is how the incident goes on after a yes, until it is resolved.
func wentBack() []remediate.Event {
	steps := goingBack()[1].Planned.Plan.Rungs[0].Steps
	events := []remediate.Event{
		{Type: remediate.IncidentAnswered, At: after(60), Answered: &remediate.Answered{Verb: oncall.Approve, By: "operator"}},
		{Type: remediate.IncidentJudged, At: after(60), Judged: &remediate.Judged{Verdict: remediate.Verdict{Decision: remediate.Allow}}},
	}
	for n, step := range steps {
		events = append(events,
			remediate.Event{Type: remediate.StepStarted, At: after(61 + n), Started: &remediate.Started{Step: n, What: step}},
			remediate.Event{Type: remediate.StepFinished, At: after(62 + n), Finished: &remediate.Finished{Step: n, Receipt: remediate.Receipt{Result: remediate.Done, Took: time.Second}}})
	}
	return append(events,
		remediate.Event{Type: remediate.VerifyStarted, At: after(70), Watched: &remediate.Watched{}},
		remediate.Event{Type: remediate.VerifyFinished, At: after(130), Verified: &remediate.Verified{Outcome: remediate.Fixed, Detail: "healthy for 1m0s"}},
		remediate.Event{Type: remediate.IncidentEnded, At: after(130), Ended: &remediate.Ended{State: remediate.Resolved, Reason: remediate.ReasonFixed}})
}

// served is a client of the agent, over a real server.
func (a *heldAgent) served(t *testing.T) *oncall.Client {
	t.Helper()
	return a.serves(t)()
}

// serves serves the agent, and returns how to connect to it.
func (a *heldAgent) serves(t *testing.T) func() *oncall.Client {
	t.Helper()
	a.happens(goingBack())
	if a.yes == nil {
		a.yes = wentBack()
	}
	a.denied = []remediate.Event{{Type: remediate.IncidentEnded, At: after(60), Ended: &remediate.Ended{State: remediate.Declined, Reason: remediate.ReasonDenied, By: "operator"}}}
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, _ := key.PublicKey()
	seed, _ := key.Seed()
	file := t.TempDir() + "/seed"
	if err := os.WriteFile(file, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, Nkeys: []*server.NkeyUser{{Nkey: public}}})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	identity, err := nats.NkeyOptionFromSeed(file)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(s.ClientURL(), identity)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	service, err := oncall.Serve(oncall.Options{
		Host: "rave-host", Conn: conn, Agent: a, Machines: a, History: a, Logger: slog.New(slog.DiscardHandler),
		Person: func(string) (oncall.Person, bool) { return oncall.Person{Key: public}, true },
		Now:    func() remediate.Instant { return remediate.Instant{Wall: time.Now()} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(service.Stop)
	return func() *oncall.Client {
		client, err := oncall.Connect(s.ClientURL(), "operator", "rave-host", file)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		return client
	}
}

// followed is what following the incident says, and how it ends.
func followed(ctx context.Context, t *testing.T, a *heldAgent, flags orderFlags, typed io.Reader) (out, progress string, err error) {
	t.Helper()
	var stdout, stderr strings.Builder
	c := &cli{in: typed, out: &output{w: &stdout}, err: &stderr, now: func() time.Time { return noon }}
	f := follower{cli: c, client: a.served(t), id: "7K2M9QX4", flags: flags, screen: newScreen(&stderr)}
	err = f.run(ctx)
	return stdout.String(), stderr.String(), err
}

func TestWhatIsHeldIsShownApprovedAndFollowedToItsEnd(t *testing.T) {
	a := &heldAgent{}
	out, progress, err := followed(t.Context(), t, a, orderFlags{yes: true}, strings.NewReader(""))
	if err != nil {
		t.Errorf("error %v, want none: what was asked for was done", err)
	}
	if want := "incident 7K2M9QX4 is resolved (fixed)\n"; out != want {
		t.Errorf("%q, want %q", out, want)
	}
	if want := "approve 5f2c8d10a3b94e67c1"; len(a.said) != 1 || a.said[0] != want {
		t.Errorf("the agent heard %q, want %q once", a.said, want)
	}
	before, then, _ := strings.Cut(progress, "waits for a person")
	for _, want := range []string{"asked by operator", "hold (approval_wanted)"} {
		if !strings.Contains(before, want) {
			t.Errorf("before it asks it does not say %q:\n%s", want, before)
		}
	}
	for _, want := range []string{"stays   data", "begins swap rave to before-update", "boot rave: done in 1s", "healthy for 1m0s"} {
		if !strings.Contains(then, want) {
			t.Errorf("from then on it does not say %q:\n%s", want, then)
		}
	}
	if strings.Count(progress, "asked by operator") != 1 {
		t.Errorf("an event is told twice:\n%s", progress)
	}
}

func TestAYesIsNotTakenForAnotherPlan(t *testing.T) {
	changed := goingBack()[1:]
	changed[0].Planned.Plan.Rungs[0].Digest = "0000aaaa0000bbbb"
	a := &heldAgent{changed: changed}
	_, progress, err := followed(t.Context(), t, a, orderFlags{yes: true}, strings.NewReader(""))
	if err != nil {
		t.Error(err)
	}
	if want := []string{"approve 5f2c8d10a3b94e67c1", "approve 0000aaaa0000bbbb"}; !slices.Equal(a.said, want) {
		t.Errorf("the agent heard %q, want %q", a.said, want)
	}
	if n := strings.Count(progress, "waits for a person"); n != 2 {
		t.Errorf("it was shown %d times, want it shown anew before it is approved:\n%s", n, progress)
	}
}

func TestWhatNobodyCanBeAskedAboutStaysHeld(t *testing.T) {
	a := &heldAgent{}
	_, _, err := followed(t.Context(), t, a, orderFlags{}, strings.NewReader("y\n")) // no terminal: what is piped in is no person
	if err == nil || !strings.Contains(err.Error(), "incident 7K2M9QX4 is held") || len(a.said) > 0 {
		t.Errorf("error %v, and the agent heard %q", err, a.said)
	}
}

func TestAPersonIsAsked(t *testing.T) {
	for typed, want := range map[string]string{"y\n": "approve 5f2c8d10a3b94e67c1", "\n": "deny ", "yesterday\n": "deny "} {
		outside, inside := openTerminal(t)
		go func() { _, _ = io.Copy(io.Discard, outside) }() // ends with the terminal
		if _, err := outside.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		a := &heldAgent{}
		var stdout strings.Builder
		c := &cli{in: inside, out: &output{w: &stdout}, err: inside, now: func() time.Time { return noon }}
		f := follower{cli: c, client: a.served(t), id: "7K2M9QX4", screen: newScreen(inside)}
		err := f.run(t.Context())
		if len(a.said) != 1 || a.said[0] != want || (err == nil) != strings.HasPrefix(want, "approve") {
			t.Errorf("after %q: error %v, the agent heard %q, want %q", typed, err, a.said, want)
		}
	}
}

func TestAnInterruptLeavesTheIncidentAndSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := &heldAgent{yes: wentBack()[:4], heard: cancel} // it is powered down, and then goes on without us
	_, _, err := followed(ctx, t, a, orderFlags{yes: true}, strings.NewReader(""))
	if err == nil || !strings.Contains(err.Error(), "it goes on without (interrupted); see: nightshift show 7K2M9QX4") {
		t.Errorf("error %v", err)
	}
}

// TestAnAgentThatIsStartedAnewIsFollowedOn: it goes away while it hears the yes, and is
// not back at once.
func TestAnAgentThatIsStartedAnewIsFollowedOn(t *testing.T) {
	a := &heldAgent{}
	connect := a.serves(t)
	first, tries := connect(), 0
	a.heard = first.Close
	var stdout, stderr strings.Builder
	c := &cli{in: strings.NewReader(""), out: &output{w: &stdout}, err: &stderr, now: func() time.Time { return noon }}
	f := follower{cli: c, client: first, id: "7K2M9QX4", flags: orderFlags{yes: true}, screen: newScreen(&stderr)}
	f.connect = func() (*oncall.Client, error) {
		if tries++; tries == 1 {
			return nil, oncall.ErrUnreachable
		}
		return connect(), nil
	}
	if err := f.run(t.Context()); err != nil {
		t.Error(err)
	}
	if want := "incident 7K2M9QX4 is resolved (fixed)\n"; stdout.String() != want {
		t.Errorf("%q, want %q", stdout.String(), want)
	}
	if tries != 2 || len(a.said) != 1 || strings.Count(stderr.String(), "the agent does not answer") != 1 {
		t.Errorf("%d tries, the agent heard %q, and it says:\n%s", tries, a.said, stderr.String())
	}
}
