package oncall

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nightshift/remediate"
)

// attack is one way to have something done that the person was not asked for. It
// returns the answer that it got, if any.
type attack struct {
	name string
	try  func(s *scene) string
}

// forged are requests of bob, or of somebody with what ann once signed.
var forged = []attack{
	{"bob says it below ann's name, with her signature", func(s *scene) string { return s.say(s.as("bob"), "ann", Approve, s.approval()) }},
	{"bob says it below the operator's name", func(s *scene) string {
		return s.say(s.as("bob"), "operator", Approve, s.signed("bob", Approve, s.approval()))
	}},
	{"bob says it below the agent's name", func(s *scene) string {
		return s.say(s.as("bob"), "nightshift-agent", Approve, s.signed("bob", Approve, s.approval()))
	}},
	{"bob says it in his name, with ann's signature", func(s *scene) string { return s.say(s.as("bob"), "bob", Approve, s.approval()) }},
	{"bob signs what is ann's to sign", func(s *scene) string {
		return s.say(s.as("ann"), "ann", Approve, s.resigned("bob", Approve, "rave-1", "ann", s.approval()))
	}},
	{"the operator's key signs for ann", func(s *scene) string {
		return s.say(s.as("ann"), "ann", Approve, s.resigned("operator", Approve, "rave-1", "ann", s.approval()))
	}},
	{"a stranger's key signs for ann", func(s *scene) string {
		return s.say(s.as("ann"), "ann", Approve, s.resigned("eve", Approve, "rave-1", "ann", s.approval()))
	}},
	{"no signature", func(s *scene) string { return s.say(s.as("ann"), "ann", Approve, unsigned(s.approval())) }},
	{"no signature, of the operator", func(s *scene) string { return s.say(s.as("operator"), "operator", Approve, unsigned(s.approval())) }},
	{"a freeze that nobody signed", func(s *scene) string { return s.say(s.as("ann"), "ann", Freeze, Request{}) }},
	{"a thaw that nobody signed", func(s *scene) string { return s.say(s.as("ann"), "ann", Thaw, Request{}) }},
	{"a breaker that nobody signed", func(s *scene) string { return s.say(s.as("ann"), "ann", Breaker, Request{Breaker: "playbook:web"}) }},
	{"a promotion that nobody signed", func(s *scene) string {
		return s.say(s.as("ann"), "ann", Promote, Request{Playbook: "web", To: remediate.Act})
	}},
	{"an order that nobody signed", func(s *scene) string {
		return s.say(s.as("ann"), "ann", Start, Request{Order: &Order{Playbook: "vm-rollback", Target: remediate.VM("rave")}})
	}},
	{"the signature of another incident", func(s *scene) string { return s.changed(func(r *Request) { r.Incident = "AABBBBBB" }) }},
	{"the signature of another plan", func(s *scene) string { return s.changed(func(r *Request) { r.Plan = "dead" }) }},
	{"another comment", func(s *scene) string { return s.changed(func(r *Request) { r.Comment = "stop" }) }},
	{"a plan made anew, of a yes to this one", func(s *scene) string { return s.changed(func(r *Request) { r.Again = true }) }},
	{"another verb: a no taken for a yes", func(s *scene) string {
		return s.say(s.as("ann"), "ann", Approve, s.signed("ann", Deny, unsigned(s.approval())))
	}},
	{"another verb: a freeze taken for a thaw", func(s *scene) string { return s.say(s.as("ann"), "ann", Thaw, s.signed("ann", Freeze, Request{})) }},
	{"a longer freeze than was signed", func(s *scene) string {
		r := s.signed("ann", Freeze, Request{For: time.Minute})
		r.For = time.Hour
		return s.say(s.as("ann"), "ann", Freeze, r)
	}},
	{"another playbook than was signed", func(s *scene) string {
		r := s.signed("ann", Promote, Request{Playbook: "web", To: remediate.Act})
		r.Playbook = "db"
		return s.say(s.as("ann"), "ann", Promote, r)
	}},
	{"another target than was signed", func(s *scene) string {
		r := s.signed("ann", Start, Request{Order: &Order{Playbook: "vm-rollback", Target: remediate.VM("rave")}})
		r.Order = &Order{Playbook: "vm-rollback", Target: remediate.VM("other")}
		return s.say(s.as("ann"), "ann", Start, r)
	}},
	{"the signature for another host", func(s *scene) string {
		return s.say(s.as("ann"), "ann", Approve, s.resigned("ann", Approve, "rave-2", "ann", s.approval()))
	}},
	{"an expired signature", func(s *scene) string {
		return s.changedAndSigned(func(r *Request) { r.Signed.Expires = time.Now().Add(-2 * time.Second).UTC().Truncate(time.Second) })
	}},
	{"a signature for half an hour", func(s *scene) string {
		return s.changedAndSigned(func(r *Request) { r.Signed.Expires = time.Now().Add(30 * time.Minute).UTC().Truncate(time.Second) })
	}},
	{"a signature for ever", func(s *scene) string {
		return s.changedAndSigned(func(r *Request) { r.Signed.Expires = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) })
	}},
	{"a fraction of a second that the signature does not cover", func(s *scene) string {
		return s.changed(func(r *Request) { r.Signed.Expires = r.Signed.Expires.Add(time.Millisecond) })
	}},
	{"a later end than was signed", func(s *scene) string {
		return s.changed(func(r *Request) { r.Signed.Expires = r.Signed.Expires.Add(time.Minute) })
	}},
	{"another nonce than was signed", func(s *scene) string { return s.changed(func(r *Request) { r.Signed.Nonce = strings.Repeat("b", 22) }) }},
	{"no nonce", func(s *scene) string { return s.changedAndSigned(func(r *Request) { r.Signed.Nonce = "" }) }},
	{"a nonce that can be guessed", func(s *scene) string { return s.changedAndSigned(func(r *Request) { r.Signed.Nonce = "1" }) }},
	{"a nonce with a line of its own", func(s *scene) string {
		return s.changedAndSigned(func(r *Request) { r.Signed.Nonce = "aaaaaaaaaaaaaaaaaaaa\nb" })
	}},
	{"an empty signature", func(s *scene) string { return s.changed(func(r *Request) { r.Signed.Signature = "" }) }},
	{"half a signature", func(s *scene) string {
		return s.changed(func(r *Request) { r.Signed.Signature = r.Signed.Signature[:43] })
	}},
	{"a signature of zeros", func(s *scene) string {
		return s.changed(func(r *Request) { r.Signed.Signature = encode(make([]byte, 64)) })
	}},
	{"the beginning of an ID, signed", func(s *scene) string { return s.changedAndSigned(func(r *Request) { r.Incident = "AAA" }) }},
	{"an ID in small letters, signed", func(s *scene) string { return s.changedAndSigned(func(r *Request) { r.Incident = "aaaaaaaa" }) }},
	{"a plan that holds the next line", func(s *scene) string {
		r := s.approval()
		r.Plan += "\n{}"
		return s.say(s.as("ann"), "ann", Approve, s.resigned("ann", Approve, "rave-1", "ann", r))
	}},
}

// malformed are bodies that no client of ours makes.
var malformed = []attack{
	{"a member that is not known", func(s *scene) string { return s.body(`{"incident":"AAAAAAAA","yes":true}`) }},
	{"a member that is there twice", func(s *scene) string { return s.body(`{"incident":"AABBBBBB","incident":"AAAAAAAA"}`) }},
	{"a member in other letters", func(s *scene) string { return s.body(`{"Incident":"AAAAAAAA"}`) }},
	{"a key of one's own choice", func(s *scene) string {
		return s.body(`{"incident":"AAAAAAAA","plan":"5f2c","signed":{"key":"UEVE","nonce":"aaaaaaaaaaaaaaaaaaaaaa","expires":"2026-01-01T00:00:00Z","signature":""}}`)
	}},
	{"two values", func(s *scene) string { return s.body(`{} {"incident":"AAAAAAAA"}`) }},
	{"no JSON", func(s *scene) string { return s.body("approve AAAAAAAA") }},
	{"null", func(s *scene) string { return s.body("null") }},
	{"nothing", func(s *scene) string { return s.body("") }},
	{"a very deep one", func(s *scene) string { return s.body(strings.Repeat(`{"order":`, 100_000)) }},
}

// misaddressed are subjects that are nobody's, or more than one's.
var misaddressed = func() []attack {
	var all []attack
	for _, subject := range []string{
		"nightshift.do.*.rave-1.approve", "nightshift.do.bob.*.approve", "nightshift.do.bob.rave-1.*", "nightshift.do.bob.>",
		"nightshift.do.bob.rave-2.approve", "nightshift.do.bob.rave-1.approve.ann", "nightshift.do.bob.rave-1", "nightshift.do.BOB.rave-1.approve",
		"nightshift.do.bob.rave-1.Approve", "nightshift.do.ann.rave-1.ack", "nightshift.do..rave-1.approve",
		"journal.rave-1.AAAAAAAA", "journal.rave-1._", "alerts.rave-1", "nightshift.events.rave-1.AAAAAAAA", "nightshift.notify.rave-1.resolved",
		"$JS.API.STREAM.NAMES", "$JS.rave-1.API.STREAM.NAMES", "$JS.API.STREAM.PURGE.alerts-rave-1", "$JS.API.STREAM.DELETE.alerts-rave-1",
		"$JS.API.CONSUMER.CREATE.alerts-rave-1", "$JS.ACK.alerts-rave-1.c.1.1.1.1.1", "$SYS.REQ.SERVER.PING", "_INBOX.ann.1",
	} {
		all = append(all, attack{"bob publishes to " + subject, func(s *scene) string {
			r := s.signed("bob", Approve, unsigned(s.approval()))
			text, err := remediate.EncodeJSON(r)
			if err != nil {
				s.t.Fatal(err)
			}
			return s.send(s.as("bob"), subject, text)
		}})
	}
	return all
}()

// elsewhere has an answer land where it does harm: the reply subject of a request is
// chosen by whoever asks, and no permission of theirs covers it.
var elsewhere = func() []attack {
	var all []attack
	for _, from := range []string{"nightshift.do.bob.rave-1.comment", "nightshift.ask.rave-1.status", "$SRV.PING", "$SRV.INFO.nightshift"} {
		for _, reply := range []string{
			"nightshift.do.ann.rave-1.ack", "nightshift.do.ann.rave-1.close", "journal.rave-1.AAAAAAAA", "alerts.rave-1",
			"nightshift.events.rave-1.AAAAAAAA", "nightshift.notify.rave-1.resolved", "$JS.API.STREAM.DELETE.alerts-rave-1",
		} {
			all = append(all, attack{"the answer to " + from + " goes to " + reply, func(s *scene) string {
				conn, heard := s.as("bob"), s.as("ann")
				sub, err := heard.SubscribeSync("nightshift.>")
				if err != nil {
					s.t.Fatal(err)
				}
				s.settle(heard)
				if err := conn.PublishRequest(from, reply, []byte(`{"incident":"AAAAAAAA","comment":"x"}`)); err != nil {
					s.t.Fatal(err)
				}
				s.settle(conn)
				s.settle(heard)
				if pending, _, _ := sub.Pending(); pending != 0 {
					s.t.Errorf("ann hears %d messages that are forged", pending)
				}
				return ""
			}})
		}
	}
	return all
}()

// clustered are of somebody in the cluster that people's account joined, whose
// operator lets them publish what they like.
var clustered = append([]attack{
	{"the cluster speaks for the operator, who needs no signature for it", func(s *scene) string {
		return s.say(s.fromHub(), "operator", Close, Request{Incident: "AAAAAAAA"})
	}},
	{"the cluster speaks for the operator, with a signature", func(s *scene) string {
		r := s.resigned("operator", Freeze, "rave-1", "operator", s.signed("ann", Freeze, Request{}))
		return s.say(s.fromHub(), "operator", Freeze, r)
	}},
	{"the cluster speaks for ann without her key", func(s *scene) string { return s.say(s.fromHub(), "ann", Approve, unsigned(s.approval())) }},
	{"the cluster speaks for ann with bob's key", func(s *scene) string {
		return s.say(s.fromHub(), "ann", Approve, s.resigned("bob", Approve, "rave-1", "ann", s.approval()))
	}},
	{"the cluster speaks for a person that is not there", func(s *scene) string {
		return s.say(s.fromHub(), "eve", Close, Request{Incident: "AAAAAAAA"})
	}},
	{"the cluster's answer goes to another's verb", func(s *scene) string {
		conn := s.fromHub()
		if err := conn.PublishRequest(askSubject("rave-1", AskStatus), "nightshift.do.ann.rave-1.close", nil); err != nil {
			s.t.Fatal(err)
		}
		s.settle(conn)
		return ""
	}},
}, throughTheLeaf()...)

// throughTheLeaf are subjects that never cross.
func throughTheLeaf() []attack {
	var all []attack
	for _, subject := range []string{
		"$JS.API.STREAM.NAMES", "$JS.API.STREAM.DELETE.alerts-rave-1", "$JS.API.STREAM.PURGE.alerts-rave-1", "$JS.rave-1.API.STREAM.NAMES",
		"$JS.API.STREAM.MSG.DELETE.alerts-rave-1", "$SYS.REQ.SERVER.PING.JSZ", "journal.rave-1.AAAAAAAA", "journal.rave-1._", "alerts.rave-1",
		"nightshift.events.rave-1.AAAAAAAA", "nightshift.notify.rave-1.resolved", "nightshift.do.ann.rave-2.close", "nightshift.do.*.rave-1.close",
	} {
		all = append(all, attack{"the cluster publishes to " + subject, func(s *scene) string {
			heard := s.as("ann")
			sub, err := heard.SubscribeSync("nightshift.>")
			if err != nil {
				s.t.Fatal(err)
			}
			s.settle(heard)
			answer := s.send(s.fromHub(), subject, []byte(`{"incident":"AAAAAAAA"}`))
			s.settle(heard)
			if pending, _, _ := sub.Pending(); pending != 0 {
				s.t.Errorf("ann hears %d messages that are forged", pending)
			}
			return answer
		}})
	}
	return all
}

// unsigned is a request without its signature.
func unsigned(r Request) Request {
	r.Signed = nil
	return r
}

// changed is ann's approval with something changed after she signed it.
func (s *scene) changed(change func(*Request)) string {
	r := s.approval()
	change(&r)
	return s.say(s.as("ann"), "ann", Approve, r)
}

// changedAndSigned is ann's approval as she would not sign it.
func (s *scene) changedAndSigned(change func(*Request)) string {
	r := s.approval()
	change(&r)
	return s.say(s.as("ann"), "ann", Approve, s.resigned("ann", Approve, "rave-1", "ann", r))
}

// body says approve in ann's name, in the words given.
func (s *scene) body(text string) string {
	return s.send(s.as("ann"), doSubject("ann", "rave-1", Approve), []byte(text))
}

// Each attack is tried on a real server with the real permissions. None releases
// an action, and none leaves a trace in the log.
func TestNoAttackReleasesAnAction(t *testing.T) {
	s := play(t)
	attacks := 0
	for group, all := range map[string][]attack{
		"forged": forged, "malformed": malformed, "misaddressed": misaddressed, "elsewhere": elsewhere, "cluster": clustered,
	} {
		for _, a := range all {
			attacks++
			t.Run(group+"/"+a.name, func(t *testing.T) {
				s.t = t
				before := s.journal.Head()
				if answer := a.try(s); said(answer) {
					t.Errorf("the answer is %s", answer)
				}
				if n := s.agent.done(); n != 0 {
					t.Fatalf("the agent did %q", s.agent.did)
				}
				if after := s.journal.Head(); after != before {
					t.Errorf("the log went from %+v to %+v", before, after)
				}
			})
		}
	}
	t.Logf("attacks=%d", attacks)
	s.t = t
	s.mustDo("ann", Approve, s.approval()) // the service still hears who may speak
}

// mustDo says a verb that has to be done.
func (s *scene) mustDo(name, verb string, r Request) {
	s.t.Helper()
	before := s.agent.done()
	if answer := s.say(s.as(name), name, verb, r); !said(answer) || s.agent.done() != before+1 {
		s.t.Errorf("%s %s: %s, and the agent did %q", name, verb, answer, s.agent.did)
	}
}

// The cluster may say in bob's name what needs no signature. Where the answer goes is
// theirs to say, too; but as a verb nobody hears it.
func TestAnAnswerToTheClusterIsNoVerb(t *testing.T) {
	s := play(t)
	conn := s.fromHub()
	if err := conn.PublishRequest("nightshift.do.bob.rave-1.comment", "nightshift.do.ann.rave-1.close", []byte(`{"incident":"AAAAAAAA"}`)); err != nil {
		t.Fatal(err)
	}
	s.settle(conn)
	if got := s.agent.done(); got != 1 {
		t.Errorf("the agent did %q, want bob's comment alone", s.agent.did)
	}
}

func TestASignatureIsGoodForOnce(t *testing.T) {
	s := play(t)
	yes := s.approval()
	s.mustDo("ann", Approve, yes)
	for _, from := range []*nats.Conn{s.as("ann"), s.fromHub()} {
		if answer := s.say(from, "ann", Approve, yes); !strings.Contains(answer, "used before") {
			t.Errorf("the same again: %s", answer)
		}
	}
	if n := s.agent.done(); n != 1 {
		t.Errorf("the agent did %q", s.agent.did)
	}
}

func TestOfManyAtOnceWithOneSignatureOneIsDone(t *testing.T) {
	s := play(t)
	text, err := remediate.EncodeJSON(s.approval())
	if err != nil {
		t.Fatal(err)
	}
	conn := s.as("ann")
	for range 50 {
		if err := conn.PublishRequest(doSubject("ann", "rave-1", Approve), conn.NewInbox(), text); err != nil {
			t.Fatal(err)
		}
	}
	s.settle(conn)
	if n := s.agent.done(); n != 1 {
		t.Errorf("the agent did %d things, want one", n)
	}
}

func TestAPersonIsHeardThroughTheCluster(t *testing.T) {
	s := play(t)
	if answer := s.say(s.fromHub(), "ann", Approve, s.approval()); !said(answer) {
		t.Errorf("the answer is %s", answer)
	}
}

func TestWhoIsRemovedIsCutOffAndTheOthersAreNot(t *testing.T) {
	s := play(t)
	ann, bob := s.as("ann"), s.as("bob")
	old := s.approval()
	s.makeKey("ann") // another key
	s.mu.Lock()
	delete(s.people, "bob")
	s.mu.Unlock()
	if err := s.journal.SetPeople(s.users()); err != nil {
		t.Fatal(err)
	}
	for name, conn := range map[string]*nats.Conn{"ann": ann, "bob": bob} {
		if !eventually(conn.IsClosed) {
			t.Errorf("%s, who may not any more, is still connected", name)
		}
	}
	if answer := s.say(s.as("ann"), "ann", Approve, old); said(answer) {
		t.Errorf("the old key's signature: %s", answer)
	}
	s.mustDo("ann", Approve, s.approval()) // it is written to the log, whose connection stays too
	if n := s.conn.Stats().Reconnects; n != 0 || s.service.o.Conn.IsClosed() {
		t.Errorf("the agent's own connection was lost %d times", n)
	}
	if _, err := nats.Connect("nats://"+s.journal.Addr(), nats.Nkey(must(s.keys["bob"].PublicKey()), s.keys["bob"].Sign)); err == nil {
		t.Error("bob connects again")
	}
}

func must(text string, err error) string {
	if err != nil {
		panic(err)
	}
	return text
}

// eventually waits for up to a minute.
func eventually(holds func() bool) bool {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return true
		}
	}
	return false
}

// FuzzRequest: whatever is decoded is signed and checked the same on both sides,
// and what is not signed never passes.
func FuzzRequest(f *testing.F) {
	for _, body := range []string{
		`{"incident":"AAAAAAAA","plan":"5f2c","signed":{"nonce":"aaaaaaaaaaaaaaaaaaaaaa","expires":"2026-01-01T12:01:00Z","signature":""}}`,
		`{"for":"30m","comment":"a\nb"}`, `{"order":{"playbook":"vm-rollback","target":"vm:rave"}}`, `{"to":"act"}`, `[]`, ``,
	} {
		f.Add([]byte(body))
	}
	person := Person{Key: "UBJ5SRGLT5V5RZ6TK7YKUYTTKTXKAB5BQ5SJXB6JZTFQVWP3NIMZ3EQF"}
	f.Fuzz(func(t *testing.T, body []byte) {
		var r Request
		if remediate.DecodeStrict(body, &r) != nil {
			return
		}
		if _, err := person.proof(Approve, "rave-1", "ann", r, noon); err == nil {
			t.Fatalf("passes unsigned: %s", body)
		}
		if r.Signed == nil {
			return
		}
		text, err := canonical(Approve, "rave-1", "ann", r)
		if err != nil {
			return
		}
		if n := strings.Count(text, "\n"); n != 8 {
			t.Fatalf("%d line breaks in %q", n, text)
		}
		sent, err := remediate.EncodeJSON(r)
		if err != nil {
			t.Fatal(err)
		}
		var heard Request
		if err := remediate.DecodeStrict(sent, &heard); err != nil {
			t.Fatalf("%s: %v", sent, err)
		}
		if again, err := canonical(Approve, "rave-1", "ann", heard); err != nil || again != text {
			t.Fatalf("signed %q, heard %q (%v)", text, again, err)
		}
	})
}

// FuzzReply: a client survives whatever claims to be an answer.
func FuzzReply(f *testing.F) {
	for _, body := range []string{`{"done":"x","incident":{"id":"AAAAAAAA"}}`, `{"error":"no"}`, `{"kind":"opened"}`, `[{"id":1}]`, ``} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, value := range []any{&Reply{}, &Status{}, &[]Summary{}, &Story{}, &EventsPage{}, &[]Notification{}, &[]PlaybookRecord{}} {
			if remediate.DecodeJSON(body, value) == nil {
				if _, err := remediate.EncodeJSON(value); err != nil {
					t.Fatal(fmt.Errorf("%s: %w", body, err))
				}
			}
		}
	})
}
