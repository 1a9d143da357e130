package oncall

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"nightshift/remediate"
	"nightshift/remediate/journal"
)

// scene is a real log with its real server, accounts and permissions; a service;
// and an agent that does all that it is asked, so that whatever gets as far as it
// is an action released. What a person may say of an incident is the engine's to
// judge, and proved there.
type scene struct {
	t       *testing.T
	journal *journal.Journal
	service *Service
	agent   *willing
	conn    *nats.Conn // the agent's
	keys    map[string]nkeys.KeyPair
	seeds   map[string]string
	hub     *server.Server // the cluster that people's account joined
	leaf    string         // where

	mu     sync.Mutex
	people map[string]Person
}

// willing does what it is asked, and writes it down.
type willing struct {
	agent
	log *journal.Journal
	mu  sync.Mutex
	did []string
}

func (w *willing) does(what string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.did = append(w.did, what)
	_, err := w.log.Append(context.Background(), remediate.Event{
		Type: remediate.IncidentAnswered, Incident: "AAAAAAAA", At: remediate.Instant{Wall: time.Now()},
		Answered: &remediate.Answered{Verb: what},
	})
	return err
}

func (w *willing) done() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.did)
}

func (w *willing) Say(_ context.Context, id string, s remediate.Said) (remediate.Incident, error) {
	return remediate.Incident{ID: remediate.ID(id), State: remediate.Acting}, w.does(s.By + " " + s.Verb + " " + id)
}

func (w *willing) Freeze(_ context.Context, by, _ string, _ time.Duration, _ *remediate.Proof) (remediate.Freeze, error) {
	return remediate.Freeze{By: by}, w.does(by + " freeze")
}

func (w *willing) Thaw(_ context.Context, by, _ string, _ *remediate.Proof) error {
	return w.does(by + " thaw")
}

func (w *willing) Accept(_ context.Context, by, _ string) error { return w.does(by + " accept") }

func (w *willing) Reload(by string) (string, error) { return "", w.does(by + " reload") }

func (w *willing) CloseBreaker(_ context.Context, _ remediate.BreakerKey, by, _ string, _ *remediate.Proof) error {
	return w.does(by + " breaker")
}

func (w *willing) Promote(_ context.Context, _ string, _ remediate.Autonomy, by, _ string, _ *remediate.Proof) error {
	return w.does(by + " promote")
}

func (w *willing) Start(_ context.Context, by string, _ Order, _ *remediate.Proof) (remediate.Incident, error) {
	return remediate.Incident{ID: "BBBBBBBB"}, w.does(by + " start")
}

// play sets the scene: ann and bob are people of the inventory, eve is nobody.
func play(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, keys: map[string]nkeys.KeyPair{}, seeds: map[string]string{}, people: map[string]Person{}}
	s.hub, s.leaf = cluster(t)
	for _, name := range []string{"ann", "bob", "eve"} {
		s.makeKey(name)
	}
	delete(s.people, "eve")
	dir := t.TempDir()
	now := func() remediate.Instant { return remediate.Instant{Wall: time.Now()} }
	j, err := journal.Open(t.Context(), journal.Options{
		Dir: dir, Host: "rave-1", Now: now, Snapshot: func() ([]byte, error) { return []byte(`{}`), nil },
		Listen: "127.0.0.1:0", People: s.users(), Leaf: journal.Leaf{URL: s.leaf},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.journal = j
	t.Cleanup(func() {
		if err := j.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if _, err := j.Replay(t.Context(), func(journal.Recorded) error { return nil }); err != nil {
		t.Fatal(err)
	}
	s.seeds["operator"] = filepath.Join(dir, "operator.nk")
	seed, err := os.ReadFile(s.seeds["operator"])
	if err != nil {
		t.Fatal(err)
	}
	if s.keys["operator"], err = nkeys.FromSeed(seed); err != nil {
		t.Fatal(err)
	}
	s.people["operator"] = Person{Key: j.OperatorKey()}
	if s.conn, err = j.PeopleConn(); err != nil {
		t.Fatal(err)
	}
	s.agent = &willing{log: j}
	s.service, err = Serve(Options{
		Host: "rave-1", Version: "v1.0.0", Conn: s.conn, Agent: s.agent, Machines: s.agent, History: twoIncidents,
		Person: s.person, Now: now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.service.Stop)
	return s
}

// cluster is a NATS cluster that asks nobody who they are, with a leaf port.
func cluster(t *testing.T) (*server.Server, string) {
	t.Helper()
	options := &server.Options{
		ServerName: "hub", Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true,
		LeafNode: server.LeafNodeOpts{Host: "127.0.0.1", Port: -1},
	}
	hub, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	hub.Start()
	t.Cleanup(func() { hub.Shutdown(); hub.WaitForShutdown() })
	if !hub.ReadyForConnections(10 * time.Second) {
		t.Fatal("the cluster is not ready")
	}
	return hub, fmt.Sprint("nats://127.0.0.1:", options.LeafNode.Port)
}

// makeKey gives a person a new key.
func (s *scene) makeKey(name string) {
	s.t.Helper()
	key, err := nkeys.CreateUser()
	if err != nil {
		s.t.Fatal(err)
	}
	public, _ := key.PublicKey()
	seed, _ := key.Seed()
	s.keys[name], s.seeds[name] = key, filepath.Join(s.t.TempDir(), name)
	if err := os.WriteFile(s.seeds[name], seed, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people[name] = Person{Key: public, Approves: remediate.Rollback}
}

func (s *scene) person(name string) (Person, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.people[name]
	return p, ok
}

func (s *scene) users() []journal.Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	var users []journal.Person
	for name, p := range s.people {
		if name != "operator" {
			users = append(users, journal.Person{Name: name, Key: p.Key})
		}
	}
	return users
}

// as is a connection of a person; what the server refuses is not told.
func (s *scene) as(name string) *nats.Conn {
	s.t.Helper()
	identity, err := nats.NkeyOptionFromSeed(s.seeds[name])
	if err != nil {
		s.t.Fatal(err)
	}
	return s.reach("nats://"+s.journal.Addr(), identity, nats.NoReconnect())
}

// fromHub is a connection of somebody in the cluster, who may publish what they like.
func (s *scene) fromHub() *nats.Conn {
	s.t.Helper()
	conn := s.reach(s.hub.ClientURL())
	for deadline := time.Now().Add(time.Minute); ; {
		if _, err := conn.Request(askSubject("rave-1", AskStatus), nil, time.Second); err == nil {
			return conn
		} else if time.Now().After(deadline) {
			s.t.Fatalf("the leaf did not join the cluster: %v", err)
		}
	}
}

func (s *scene) reach(url string, options ...nats.Option) *nats.Conn {
	s.t.Helper()
	quiet := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
	conn, err := nats.Connect(url, append(options, quiet)...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Close)
	return conn
}

// approval is ann's yes to a plan, as her machine would sign it.
func (s *scene) approval() Request {
	return s.signed("ann", Approve, Request{Incident: "AAAAAAAA", Plan: "5f2c", Comment: "go"})
}

// signed is a request as a person signs it.
func (s *scene) signed(name, verb string, r Request) Request {
	s.t.Helper()
	r, err := sign(s.keys[name], verb, "rave-1", name, r, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// resigned is a request with a new signature over whatever stands in it.
func (s *scene) resigned(name, verb, host, user string, r Request) Request {
	s.t.Helper()
	text, err := canonical(verb, host, user, r)
	if err != nil {
		return r // it can't be signed at all; it is sent as it is
	}
	signature, err := s.keys[name].Sign([]byte(text))
	if err != nil {
		s.t.Fatal(err)
	}
	signed := *r.Signed
	signed.Signature = encode(signature)
	r.Signed = &signed
	return r
}

// say sends a verb and returns the answer; "" where the server let none through.
func (s *scene) say(conn *nats.Conn, user, verb string, r Request) string {
	text, err := remediate.EncodeJSON(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.send(conn, doSubject(user, "rave-1", verb), text)
}

// send sends a request and returns its answer, if there is one.
func (s *scene) send(conn *nats.Conn, subject string, text []byte) string {
	reply := conn.NewInbox()
	sub, err := conn.SubscribeSync(reply)
	if err != nil {
		return ""
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := conn.PublishRequest(subject, reply, text); err != nil {
		return ""
	}
	s.settle(conn)
	if conn.IsConnected() {
		_ = conn.FlushTimeout(10 * time.Second) // an answer that was sent is here then
	}
	m, err := sub.NextMsg(100 * time.Millisecond)
	if err != nil {
		return ""
	}
	return string(m.Data)
}

// settle waits until all that a connection has sent so far is dealt with.
func (s *scene) settle(conn *nats.Conn) {
	if conn.IsConnected() {
		_ = conn.FlushTimeout(10 * time.Second) // one that was cut off has nothing under way
	}
	if conn.ConnectedUrl() == s.hub.ClientURL() { // what comes through the cluster comes in order
		if _, err := conn.Request(askSubject("rave-1", AskStatus), nil, 10*time.Second); err != nil {
			s.t.Errorf("the leaf does not answer any more: %v", err)
		}
	}
	if err := s.conn.FlushTimeout(10 * time.Second); err != nil {
		s.t.Error(err)
	}
	for {
		if pending, _, err := s.service.verbs.Pending(); err != nil || pending == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	for range cap(s.service.slots) {
		s.service.slots <- struct{}{}
	}
	for range cap(s.service.slots) {
		<-s.service.slots
	}
}

// said reports whether an answer says that something was done.
func said(answer string) bool {
	var reply Reply
	return json.Unmarshal([]byte(answer), &reply) == nil && reply.Done != ""
}
