package agent

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/inventory"
	"nightshift/remediate/qemu/link"
)

// someoneInside is an agent inside a virtual machine, behind a socket as QEMU makes
// one, and the machine as its host has it.
type someoneInside struct {
	*testing.T
	*machine
	orders chan string // what it was told, with for how long, rounded to minutes

	mu     sync.Mutex
	stands link.Status
}

// withAgentInside begins both ends; the agent inside is in the first start.
func withAgentInside(t *testing.T) *someoneInside {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "guest.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	spec := inventory.VM{PowerDownWithin: time.Minute, BootsWithin: 2 * time.Minute}
	in := &someoneInside{T: t, orders: make(chan string, 10), stands: link.Status{Version: "v1", Host: "rave-1", Epoch: firstStart, Mode: "act"}}
	in.machine = &machine{spec: spec, guest: newGuest(socket, time.Now, slog.New(slog.DiscardHandler))}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		(&link.Guest{
			Open: func() (link.Stream, error) { return l.Accept() },
			Status: func(context.Context) (link.Status, error) {
				in.mu.Lock()
				defer in.mu.Unlock()
				return in.stands, nil
			},
			StandAside: func(_ context.Context, lasts time.Duration, reason string) error {
				in.orders <- lasts.Round(time.Minute).String() + " " + reason
				return nil
			},
			Every: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
		}).Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		in.close()
		l.Close()
		<-ended
	})
	return in
}

// heard waits until the host hears it.
func (in *someoneInside) heard() {
	in.Helper()
	for in.guest.words() == unheard {
		if in.Context().Err() != nil {
			in.Fatal("nobody was heard")
		}
		pause(in.Context(), time.Millisecond)
	}
}

// startsAnew is the machine booting in the second start.
func (in *someoneInside) startsAnew() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.stands.Epoch = secondStart
}

// told is the next order.
func (in *someoneInside) told(want string) {
	in.Helper()
	select {
	case got := <-in.orders:
		if got != want {
			in.Errorf("the agent inside was told %q, want %q", got, want)
		}
	case <-in.Context().Done():
		in.Fatalf("the agent inside was told nothing, want %q", want)
	}
}

func toRave(verb remediate.Verb) remediate.Step {
	return remediate.Step{Do: verb, On: remediate.VM("rave")}
}

func TestTheAgentInsideHearsOfAStepBeforeItIsDone(t *testing.T) {
	for verb, want := range map[remediate.Verb]string{remediate.VerbPowerDown: "2m0s", remediate.VerbReset: "3m0s"} {
		t.Run(string(verb), func(t *testing.T) {
			in := withAgentInside(t)
			in.heard()
			told := in.announce(t.Context(), toRave(verb))
			in.told(want + " " + toRave(verb).String())
			r := in.note(toRave(verb), remediate.Receipt{Facts: map[string]string{"by": "quit"}}, told)
			if r.Facts[factGuest] != "stands aside for "+want || r.Facts["by"] != "quit" {
				t.Errorf("the receipt says %v", r.Facts)
			}
		})
	}
}

func TestOtherStepsAreNotSaidInside(t *testing.T) {
	in := withAgentInside(t)
	in.heard()
	for _, verb := range []remediate.Verb{remediate.VerbCont, remediate.VerbCheckpoint, remediate.VerbPromote, remediate.VerbProve} {
		if told := in.announce(t.Context(), toRave(verb)); told != "" {
			t.Errorf("%s: %s", verb, told)
		}
	}
}

func TestAStepIsDoneAlsoWhenNobodyInsideHears(t *testing.T) {
	m := &machine{guest: newGuest(t.TempDir()+"/no.sock", time.Now, slog.New(slog.DiscardHandler))}
	defer m.close()
	told := m.announce(t.Context(), toRave(remediate.VerbPowerDown))
	r := m.note(toRave(remediate.VerbPowerDown), remediate.Receipt{}, told)
	if !strings.HasPrefix(r.Facts[factGuest], "not told") {
		t.Errorf("the receipt says %v", r.Facts)
	}
	alone := &machine{}
	if told := alone.announce(t.Context(), toRave(remediate.VerbPowerDown)); told != "" || alone.note(toRave(remediate.VerbPowerDown), remediate.Receipt{}, "").Facts != nil {
		t.Errorf("a machine with nobody inside: %q", told)
	}
}

func TestAfterABootTheAgentInsideHearsHowLongItIsTheHosts(t *testing.T) {
	in := withAgentInside(t)
	in.heard()
	in.note(toRave(remediate.VerbBoot), remediate.Receipt{Facts: map[string]string{factEpoch: secondStart}}, "")
	in.startsAnew()
	in.told("3m0s its boot")
}

func TestABootIsSaidOnlyInItsOwnStart(t *testing.T) {
	in := withAgentInside(t)
	in.heard()
	in.note(toRave(remediate.VerbBoot), remediate.Receipt{Facts: map[string]string{factEpoch: secondStart}}, "")
	in.announce(t.Context(), toRave(remediate.VerbPowerDown)) // heard in the first start still
	in.told("2m0s power-down rave")
	in.startsAnew()
	in.told("3m0s its boot")
}

func TestHowTheAgentInsideStandsInWords(t *testing.T) {
	now := time.Now()
	g := &guest{now: func() time.Time { return now }}
	if got := g.words(); got != "not heard yet" {
		t.Error(got)
	}
	g.hear(link.Status{Version: "v1", Host: "rave-1", Epoch: firstStart, Mode: "act", Frozen: true, Acting: true, Escalated: 2})
	now = now.Add(3 * time.Minute)
	if got, want := g.words(), "rave-1 v1, mode act, heard 3m0s ago, frozen, acting, 2 with people, silent"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
