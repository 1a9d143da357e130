package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

// watched is an agent that people watch: it is stopped and started anew on the same
// address, and keeps its log.
type watched struct {
	heldAgent

	url, key string
	public   string
	port     int
	raw      []string // its log as it is stored
	stop     func()
	conn     *nats.Conn
}

func (w *watched) Status(context.Context) (oncall.Status, error) {
	return oncall.Status{Host: "rave-host", Version: "v1.2.3", Mode: "act", Open: map[remediate.State]int{remediate.Held: 1}}, nil
}

func (w *watched) Live(context.Context) ([]remediate.Incident, error) {
	var i remediate.Incident
	err := w.Events(context.Background(), "", time.Time{}, i.Apply)
	return []remediate.Incident{i}, err
}

func (w *watched) Stored(_ context.Context, _ remediate.ID, _ time.Time, f func(oncall.StoredEvent) bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n, raw := range w.raw {
		if !f(oncall.StoredEvent{N: uint64(n + 1), At: noon, Raw: []byte(raw)}) {
			return nil
		}
	}
	return nil
}

// watch begins with the incident of goingBack.
func watch(t *testing.T) *watched {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{key: t.TempDir() + "/operator.nk", port: -1}
	w.public, _ = pair.PublicKey()
	seed, _ := pair.Seed()
	if err := os.WriteFile(w.key, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	w.happens(goingBack())
	w.start(t)
	t.Cleanup(func() { w.stop() })
	return w
}

func (w *watched) start(t *testing.T) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: w.port, NoSigs: true, NoLog: true, Nkeys: []*server.NkeyUser{{Nkey: w.public}}})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	identity, err := nats.NkeyOptionFromSeed(w.key)
	if err != nil {
		t.Fatal(err)
	}
	if w.conn, err = nats.Connect(s.ClientURL(), identity); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(s.ClientURL(), "nats://127.0.0.1:%d", &w.port); err != nil {
		t.Fatal(err)
	}
	service, err := oncall.Serve(oncall.Options{
		Host: "rave-host", Conn: w.conn, Agent: w, Machines: w, History: w, Logger: slog.New(slog.DiscardHandler),
		Person: func(string) (oncall.Person, bool) { return oncall.Person{Key: w.public}, true },
		Now:    func() remediate.Instant { return remediate.Instant{Wall: time.Now()} },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.url = s.ClientURL()
	w.stop = func() {
		service.Stop()
		w.conn.Close()
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// records stores an event, and tells who listens.
func (w *watched) records(t *testing.T, subject, kind, payload string) {
	t.Helper()
	w.mu.Lock()
	n := len(w.raw) + 1
	raw := fmt.Sprintf(`{"specversion":"1.0","type":"nightshift.%s","subject":%q,"time":%q,"data":{"schema":1,"n":%d,%s}}`,
		kind, subject, noon.Add(time.Duration(n)*time.Second).Format(time.RFC3339), n, payload)
	w.raw = append(w.raw, raw)
	w.mu.Unlock()
	if !w.conn.IsClosed() {
		w.publish(t, "nightshift.events.rave-host."+subject, raw)
	}
}

func (w *watched) publish(t *testing.T, subject, text string) {
	t.Helper()
	if err := errors.Join(w.conn.Publish(subject, []byte(text)), w.conn.Flush()); err != nil {
		t.Fatal(err)
	}
}

// toldText is what was written, and wakes who waits for more.
type toldText struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{}
}

func (t *toldText) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case t.more <- struct{}{}:
	default:
	}
	return t.text.Write(text)
}

// has waits until a text was written.
func (t *toldText) has(tt *testing.T, want string) {
	tt.Helper()
	ctx, cancel := context.WithTimeout(tt.Context(), patience)
	defer cancel()
	for {
		t.mu.Lock()
		all := t.text.String()
		t.mu.Unlock()
		if strings.Contains(all, want) {
			return
		}
		select {
		case <-t.more:
		case <-ctx.Done():
			tt.Fatalf("it never said %q, but:\n%s", want, all)
		}
	}
}

// watching follows the agent until the test is over.
func (w *watched) watching(t *testing.T, json bool) (out, progress *toldText) {
	t.Helper()
	out, progress = &toldText{more: make(chan struct{}, 1)}, &toldText{more: make(chan struct{}, 1)}
	c := &cli{out: &output{w: out}, err: progress, now: func() time.Time { return noon }}
	c.access = access{url: w.url, key: w.key, user: "operator", host: "rave-host"}
	watcher := newWatcher(c, agent.Settings{}, json)
	watcher.again = time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- watcher.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("watching ended with %v, want no error", err)
		}
	})
	return out, progress
}

const escalated = `{"kind":"escalated","host":"rave-host","at":"2026-08-01T12:00:05Z","text":"rave is yours \u001b[2J now","command":"nightshift ack 7K2M9QX4"}`

func TestWatchTellsWhatHappensOverAStartOfTheAgent(t *testing.T) {
	w := watch(t)
	out, progress := w.watching(t, false)
	out.has(t, "7K2M9QX4  held")
	out.has(t, "\n\n") // from here on nothing is missed
	w.records(t, "_", "host.frozen", `"froze":{"by":"alice","reason":"look first"}`)
	out.has(t, "12:00:01  this host  frozen by alice: look first")
	w.publish(t, "nightshift.notify.rave-host.escalated", escalated)
	out.has(t, "escalated: rave is yours \ufffd[2J now")
	out.has(t, "answer nightshift ack 7K2M9QX4")
	w.stop()
	progress.has(t, "the agent does not answer; it is waited for")
	w.records(t, "7K2M9QX4", "incident.answered", `"answered":{"verb":"approve","by":"bob"}`)
	w.start(t)
	progress.has(t, "the agent answers again")
	out.has(t, "12:00:02  7K2M9QX4 vm:rave  bob said approve")
	w.records(t, "_", "host.thawed", `"thawed":{"by":"alice"}`)
	out.has(t, "thawed by alice")
	if n := strings.Count(out.text.String(), "look first"); n != 1 {
		t.Errorf("what was told before is told %d times", n)
	}
}

func TestWatchWritesOneObjectALine(t *testing.T) {
	w := watch(t)
	w.records(t, "_", "host.thawed", `"thawed":{"by":"before"}`)
	out, _ := w.watching(t, true)
	deadline := time.After(patience)
	for subscribed := false; !subscribed; { // it says nothing of itself
		w.publish(t, "nightshift.notify.rave-host.escalated", escalated)
		select {
		case <-out.more:
			subscribed = true
		case <-deadline:
			t.Fatal("it told nothing")
		case <-time.After(10 * time.Millisecond):
		}
	}
	w.records(t, "_", "host.frozen", `"froze":{"by":"alice"}`)
	out.has(t, `"froze":{"by":"alice"}`)
	lines := strings.Split(strings.TrimSpace(out.text.String()), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], `{"notification":{"kind":"escalated"`) || !strings.HasPrefix(lines[1], `{"event":{"specversion":"1.0"`) {
		t.Errorf("%q, want a notification and an event, each once and on a line of its own", lines)
	}
}

func TestOnlyWhoIsWantedHearsTheBell(t *testing.T) {
	outside, inside := openTerminal(t)
	w := newWatcher(&cli{out: &output{w: inside}}, agent.Settings{}, false)
	for _, kind := range []oncall.Kind{oncall.NotifyOpened, oncall.NotifyApprovalWanted, oncall.NotifyEscalated} {
		w.tell(oncall.Seen{Notification: &oncall.Notification{Kind: kind, At: noon, Text: "x"}})
		w.tell(oncall.Seen{Notification: &oncall.Notification{Kind: kind, At: noon, Text: "x"}}) // told again is not rung again
	}
	all, text := "", make([]byte, 4096)
	for strings.Count(all, bell) < 2 { // a missing one ends the test by its deadline
		n, err := outside.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		all += string(text[:n])
	}
	if before, after, _ := strings.Cut(all, bell); strings.Contains(before, "escalated") || !strings.Contains(before, "approval wanted") || strings.Count(after, bell) != 1 {
		t.Errorf("it rang in %q, want it once behind the approval and once behind the handing over", all)
	}
}
