package journal

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/nats-io/nkeys"
)

// withPeople starts an agent that people can connect to.
func withPeople(t *testing.T, dir string) *agent {
	t.Helper()
	return start(t, dir, func(o *Options) { o.Listen = "127.0.0.1:0" })
}

// person connects as the operator; refusals go to the channel.
func (a *agent) person(t *testing.T, options ...nats.Option) (*nats.Conn, chan error) {
	t.Helper()
	key, err := nats.NkeyOptionFromSeed(seedFile(a.o.Dir))
	if err != nil {
		t.Fatal(err)
	}
	refused := make(chan error, 16)
	options = append(options, key, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
	conn, err := nats.Connect("nats://"+a.Addr(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn, refused
}

func subscribe(t *testing.T, conn *nats.Conn, subject string) *nats.Subscription {
	t.Helper()
	sub, err := conn.SubscribeSync(subject)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	return sub
}

func TestPeopleSeeWhatIsStoredAndNothingElse(t *testing.T) {
	a := withPeople(t, t.TempDir())
	conn, _ := a.person(t)
	sub := subscribe(t, conn, "nightshift.>")

	// What a person asks and says is no one else's to see.
	for _, subject := range []string{"nightshift.ask.rave-1.status", "nightshift.do.operator.rave-1.freeze"} {
		if err := conn.Publish(subject, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	// An event that the log refuses goes to the log's subject all the same.
	refused := &nats.Msg{Subject: logSubject("rave-1", "X"), Data: []byte("refused"), Header: nats.Header{}}
	refused.Header.Set("Nats-Expected-Last-Sequence", "77")
	inside, _ := a.store.link()
	if err := inside.PublishMsg(refused); err != nil {
		t.Fatal(err)
	}
	a.chain.snapshot.at = 0 // a snapshot is nothing for people
	a.add(t, 1)

	msg, err := sub.NextMsg(callDeadline)
	if err != nil {
		t.Fatal(err)
	}
	r, err := decode(msg.Data)
	if err != nil || msg.Subject != "nightshift.events.rave-1.INC00000" || r.N != 2 || r.Answered == nil {
		t.Errorf("the first thing that people see is %s %+v (%v), want event 2 of INC00000", msg.Subject, r, err)
	}
}

func TestPeopleDoNotReachTheStreams(t *testing.T) {
	a := withPeople(t, t.TempDir())
	a.add(t, 1)
	conn, refused := a.person(t)
	for _, subject := range []string{
		"$JS.API.STREAM.NAMES", "$JS.rave-1.API.STREAM.NAMES", "journal.rave-1._", "alerts.rave-1",
		"nightshift.events.rave-1._", "nightshift.do.somebody.rave-1.freeze", "nightshift.notify.rave-1.opened", "$SYS.REQ.SERVER.PING",
	} {
		if err := conn.Publish(subject, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		if err := <-refused; !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("publishing to %s: %v, want it refused", subject, err)
		}
	}
	for _, subject := range []string{">", "journal.>", "$JS.>", "$SYS.>"} {
		if _, err := conn.SubscribeSync(subject); err != nil {
			t.Fatal(err)
		}
		if err := <-refused; !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("subscribing to %s: %v, want it refused", subject, err)
		}
	}
}

func TestWithoutTheSeedNobodyConnects(t *testing.T) {
	a := withPeople(t, t.TempDir())
	if conn, err := nats.Connect("nats://" + a.Addr()); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("connected as nobody: %v %v", conn, err)
	}
	// The agent's own keys are good inside the process only.
	for name, key := range map[string]nkeys.KeyPair{"journal": a.store.ids.journal, "agent": a.store.ids.agent, "notifier": a.store.ids.notifier} {
		public, err := key.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		if conn, err := nats.Connect("nats://"+a.Addr(), nats.Nkey(public, key.Sign)); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("connected from outside with the key of the %s: %v %v", name, conn, err)
		}
	}
	// Somebody's name is not enough.
	stranger, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := nats.Connect("nats://"+a.Addr(), nats.Nkey(a.OperatorKey(), stranger.Sign)); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("connected as the operator with another's signature: %v %v", conn, err)
	}
}

// The subject of an answer is chosen by whoever asks, and no permission of theirs
// covers it.
func TestAnswersLandInInboxesOnly(t *testing.T) {
	a := withPeople(t, t.TempDir())
	a.add(t, 1)
	agentConn, err := a.PeopleConn()
	if err != nil {
		t.Fatal(err)
	}
	refused := make(chan error, 16)
	agentConn.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err })
	_, err = agentConn.Subscribe("nightshift.do.*.rave-1.*", func(m *nats.Msg) { _ = m.Respond([]byte("done")) })
	if err != nil {
		t.Fatal(err)
	}
	if err := agentConn.Flush(); err != nil {
		t.Fatal(err)
	}
	conn, _ := a.person(t)
	if answer, err := conn.Request("nightshift.do.operator.rave-1.freeze", nil, callDeadline); err != nil || string(answer.Data) != "done" {
		t.Errorf("the answer is %v (%v), want done", answer, err)
	}
	for _, reply := range []string{"journal.rave-1._", "nightshift.events.rave-1._", "$JS.API.STREAM.DELETE.x", "nightshift.do.other.rave-1.thaw"} {
		if err := conn.PublishRequest("nightshift.do.operator.rave-1.freeze", reply, nil); err != nil {
			t.Fatal(err)
		}
		if err := <-refused; !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("an answer to %s: %v, want it refused", reply, err)
		}
	}
	if n := a.Head().N; n != 1 {
		t.Errorf("the log has %d events, want 1", n)
	}
}

func TestTheAgentNotifiesAndAnswersQueries(t *testing.T) {
	a := withPeople(t, t.TempDir())
	agentConn, err := a.PeopleConn()
	if err != nil {
		t.Fatal(err)
	}
	service, err := micro.AddService(agentConn, micro.Config{Name: "nightshift", Version: "1.0.0", Endpoint: &micro.EndpointConfig{
		Subject: "nightshift.ask.rave-1.incidents",
		Handler: micro.HandlerFunc(func(r micro.Request) { _ = r.Respond([]byte("none")) }),
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = service.Stop() }()
	notifier, err := a.NotifyConn()
	if err != nil {
		t.Fatal(err)
	}
	conn, _ := a.person(t)
	sub := subscribe(t, conn, "nightshift.notify.>")
	if err := notifier.Publish("nightshift.notify.rave-1.opened", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if msg, err := sub.NextMsg(callDeadline); err != nil || string(msg.Data) != "one" {
		t.Errorf("people see %v (%v), want the notification", msg, err)
	}
	for _, subject := range []string{"nightshift.ask.rave-1.incidents", "$SRV.PING.nightshift"} {
		if _, err := conn.Request(subject, nil, callDeadline); err != nil {
			t.Errorf("asking %s: %v", subject, err)
		}
	}
}

// natsVersion is the version of the nats client that the context is made for.
const natsVersion = "v0.3.0"

// natsClient installs the public nats client once per machine.
func natsClient(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "nightshift", "nats-"+natsVersion)
	program := filepath.Join(dir, "nats")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	install := exec.Command("go", "install", "github.com/nats-io/natscli/nats@"+natsVersion)
	install.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("cannot install the nats client: %v\n%s", err, out)
	}
	return program
}

func TestThePublicClientSeesEventsThroughTheContext(t *testing.T) {
	program := natsClient(t)
	dir := t.TempDir()
	a := withPeople(t, dir)
	watch := exec.CommandContext(t.Context(), program, "--context", "nightshift", "sub", "nightshift.>", "--count", "1")
	watch.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir, "HOME="+dir)
	var out bytes.Buffer
	watch.Stdout, watch.Stderr = &out, &out
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- watch.Wait() }()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		a.add(t, 1) // until one is seen: the client does not say when it listens
		select {
		case err := <-ended:
			if err != nil || !strings.Contains(out.String(), `"type":"nightshift.incident.answered"`) {
				t.Errorf("the client ended with %v and said\n%s", err, out.String())
			}
			return
		default:
		}
	}
	t.Errorf("the client saw nothing in a minute:\n%s", out.String())
}

func TestTheContextNamesTheServerAndTheSeed(t *testing.T) {
	dir := t.TempDir()
	a := withPeople(t, dir)
	text, err := os.ReadFile(filepath.Join(dir, "nats", "context", "nightshift.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got["url"] != "nats://"+a.Addr() || got["nkey"] != filepath.Join(dir, "operator.nk") {
		t.Errorf("the context is %v", got)
	}
}

func TestAPortThatIsTakenIsNoFailureOfTheStore(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	o := newAgent().options(dir)
	o.Listen = taken.Addr().String()
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("the error is %v, want one that says that the address is in use", err)
	}
	if count := (opening{dir}).tally(); count != (tally{}) {
		t.Errorf("%+v is counted, want nothing", count)
	}
}

// A person who stops reading costs the log nothing, and the memory no more than the
// server lets wait for one connection, until it is cut off.
func TestWhoStopsReadingIsCutOffAndNobodyWaits(t *testing.T) {
	a := withPeople(t, t.TempDir())
	a.deaf(t)
	text := strings.Repeat("x", 256<<10)
	var slowest time.Duration
	most, listed := 0, true
	for deadline := time.Now().Add(time.Minute); listed; {
		if time.Now().After(deadline) {
			t.Fatal("who does not read is still connected after a minute")
		}
		start := time.Now()
		if _, err := a.Append(t.Context(), a.comment("INC00000", text)); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(start))
		var pending int
		pending, listed = a.waiting(t)
		most = max(most, pending)
	}
	if most > 4*MaxPayload+len(text)*2 {
		t.Errorf("%d bytes waited for who does not read", most)
	}
	if slowest >= callDeadline {
		t.Errorf("an append took %s while somebody did not read", slowest)
	}
	t.Logf("at most %d MiB waited; the slowest append took %s", most>>20, slowest)
}

// waiting is how much waits for the operator, and whether they are connected.
func (a *agent) waiting(t *testing.T) (bytes int, connected bool) {
	t.Helper()
	all, err := a.store.srv.Connz(&server.ConnzOptions{Username: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, conn := range all.Conns {
		if conn.AuthorizedUser == a.OperatorKey() {
			return conn.Pending, true
		}
	}
	return 0, false
}

// deaf is a connection of the operator that has subscribed to everything and reads
// nothing.
func (a *agent) deaf(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	line, err := bufio.NewReaderSize(conn, 4096).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var info struct {
		Nonce string `json:"nonce"`
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "INFO ")), &info); err != nil {
		t.Fatal(err)
	}
	seed, err := os.ReadFile(seedFile(a.o.Dir))
	if err != nil {
		t.Fatal(err)
	}
	key, err := nkeys.FromSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := key.Sign([]byte(info.Nonce))
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "CONNECT {\"verbose\":false,\"nkey\":%q,\"sig\":%q}\r\nSUB nightshift.> 1\r\n",
		a.OperatorKey(), base64.RawURLEncoding.EncodeToString(signature))
	if err != nil {
		t.Fatal(err)
	}
	for connected := false; !connected; {
		_, connected = a.waiting(t)
	}
	return conn
}
