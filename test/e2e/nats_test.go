package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"nightshift/remediate"
	"nightshift/test/stage"
)

// nats is the public client, as somebody who may read the operator's seed: the
// context that the agent wrote says where and who.
func nats(ctx context.Context, arguments ...string) *exec.Cmd {
	cmd := on.World.Command(ctx, "nightshift", append([]string{"/usr/local/bin/nats", "--context=nightshift"}, arguments...)...)
	cmd.Env = append(cmd.Env, "XDG_CONFIG_HOME=/var/lib/nightshift")
	return cmd
}

func TestThePublicClientSeesTheLifeOfAnIncident(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard := listen(t, a, ctx, "nightshift.>")
	a.Break(t, stage.WebhookErrors)
	a.Send(webhookErrors)
	story := a.AwaitReason("webhook-errors", remediate.Resolved, remediate.ReasonFixed)

	var want []string
	for _, e := range story.Entries {
		want = append(want, "nightshift."+string(e.Type))
	}
	subject := fmt.Sprintf("nightshift.events.%s.%s", stage.Host, story.Incident.ID)
	a.Await("the client to see the end", func() bool { return strings.Contains(heard.String(), want[len(want)-1]) })
	if got := eventsOn(t, heard.String(), subject); !slices.Equal(got, want) {
		t.Errorf("the client saw\n  %v\nand the log holds\n  %v", got, want)
	}
}

func TestAPersonCanForgeNothingThatOthersSee(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard := listen(t, a, ctx, "nightshift.>")
	for _, subject := range []string{
		"nightshift.events." + stage.Host + ".FORGED00", "nightshift.notify." + stage.Host + ".escalated",
		"journal." + stage.Host + ".FORGED00", "alerts." + stage.Host, "nightshift.do.somebody." + stage.Host + ".thaw",
		"$JS.API.STREAM.DELETE.alerts-" + stage.Host,
	} {
		out, err := nats(t.Context(), "pub", subject, "forged").CombinedOutput()
		if err == nil || !strings.Contains(strings.ToLower(string(out)), "permissions violation") {
			t.Errorf("publishing on %s: %v %s, want a permissions violation", subject, err, out)
		}
	}
	// What comes later is seen, so what was forged would have been, too.
	a.Nightshift("freeze", "a test")
	a.Await("the client to see the freeze", func() bool { return strings.Contains(heard.String(), "host.frozen") })
	if strings.Contains(heard.String(), "forged") {
		t.Errorf("people saw what was never stored:\n%s", heard.String())
	}
}

func TestAPersonCannotListenToTheJournal(t *testing.T) {
	on.Begin(t, stage.Option{})
	for _, subject := range []string{"journal.>", "alerts.>", "$JS.>", ">"} {
		out, err := nats(t.Context(), "sub", "--wait=5s", subject).CombinedOutput()
		if err == nil || !strings.Contains(strings.ToLower(string(out)), "permissions violation") {
			t.Errorf("listening to %s: %v %s, want a permissions violation", subject, err, out)
		}
	}
}

// listen subscribes with the public client until ctx ends, and returns what it
// prints.
func listen(t *testing.T, a *stage.Agent, ctx context.Context, subject string) *transcript {
	t.Helper()
	heard := &transcript{}
	cmd := nats(ctx, "sub", subject)
	cmd.Stdout, cmd.Stderr = heard, heard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // it was told to end: how it does is its own
	a.Await("the client to subscribe", func() bool { return strings.Contains(heard.String(), "Subscribing on "+subject) })
	return heard
}

// transcript keeps what a program prints while it runs.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// eventsOn are the types of the events that the client printed, in its order.
// People's own requests are among what it sees; events have subjects of their own.
func eventsOn(t *testing.T, printed, subject string) []string {
	t.Helper()
	var types []string
	on := ""
	for line := range strings.Lines(printed) {
		if _, after, ok := strings.Cut(line, `Received on "`); ok {
			on, _, _ = strings.Cut(after, `"`)
		}
		if on != subject || !strings.HasPrefix(line, "{") {
			continue
		}
		var event struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("cannot read %q: %v", line, err)
		}
		types = append(types, event.Type)
	}
	return types
}
