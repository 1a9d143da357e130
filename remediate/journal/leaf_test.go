package journal

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// A cluster that asks who joins it: by nkey over TLS, or by the credentials of a user
// whose account its operator signed. Whoever it does not know stays outside, and the
// agent goes on without it.

func TestALeafJoinsAClusterThatAsksForAnNKeyOverTLS(t *testing.T) {
	cert, key := certificate(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	known, public := newKey(t, nkeys.CreateUser)
	stranger, _ := newKey(t, nkeys.CreateUser)
	hub := runHub(t, &server.Options{
		Nkeys:    []*server.NkeyUser{{Nkey: public}},
		LeafNode: server.LeafNodeOpts{TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, TLSTimeout: 5},
	})
	leaf := Leaf{URL: hub.leafURL("tls"), NKey: seedInFile(t, known), CA: cert}

	joined := start(t, t.TempDir(), func(o *Options) { o.Leaf = leaf })
	hub.wantLeaves(1)
	option, err := nats.NkeyOptionFromSeed(leaf.NKey)
	if err != nil {
		t.Fatal(err)
	}
	hub.wantHears(joined, option)
	hub.wantAnswer(joined, option)

	outside := leaf
	outside.NKey = seedInFile(t, stranger)
	hub.wantRefused(outside)
	outside = leaf
	outside.CA = "" // the system's authorities do not know it
	hub.wantRefused(outside)
}

func TestALeafJoinsAClusterThatAsksForCredentials(t *testing.T) {
	signer, _ := newKey(t, nkeys.CreateOperator)
	account, accountID := newKey(t, nkeys.CreateAccount)
	operatorClaims := jwt.NewOperatorClaims(publicOf(t, signer))
	claims := jwt.NewAccountClaims(accountID)
	token, err := claims.Encode(signer)
	if err != nil {
		t.Fatal(err)
	}
	resolver := &server.MemAccResolver{}
	if err := resolver.Store(accountID, token); err != nil {
		t.Fatal(err)
	}
	hub := runHub(t, &server.Options{TrustedOperators: []*jwt.OperatorClaims{operatorClaims}, AccountResolver: resolver})
	creds := credentials(t, account)

	joined := start(t, t.TempDir(), func(o *Options) { o.Leaf = Leaf{URL: hub.leafURL("nats"), Creds: creds} })
	hub.wantLeaves(1)
	hub.wantHears(joined, nats.UserCredentials(creds))
	hub.wantAnswer(joined, nats.UserCredentials(creds))

	other, _ := newKey(t, nkeys.CreateAccount)
	hub.wantRefused(Leaf{URL: hub.leafURL("nats"), Creds: credentials(t, other)})
}

// hub is a NATS cluster of one server.
type hub struct {
	*server.Server
	t    *testing.T
	port int
	// turnedAway counts what the server complains of: those that it did not let in.
	turnedAway *atomic.Int64
}

// complaints is a log of which only the errors are counted.
type complaints struct{ count atomic.Int64 }

func (*complaints) Noticef(string, ...any)  {}
func (*complaints) Warnf(string, ...any)    {}
func (*complaints) Fatalf(string, ...any)   {}
func (c *complaints) Errorf(string, ...any) { c.count.Add(1) }
func (*complaints) Debugf(string, ...any)   {}
func (*complaints) Tracef(string, ...any)   {}

func runHub(t *testing.T, o *server.Options) hub {
	t.Helper()
	o.ServerName, o.Host, o.Port, o.NoSigs = "hub", "127.0.0.1", -1, true
	o.LeafNode.Host, o.LeafNode.Port = "127.0.0.1", -1
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	log := &complaints{}
	s.SetLogger(log, false, false)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the cluster is not ready")
	}
	return hub{s, t, o.LeafNode.Port, &log.count}
}

// leafURL is where leaf nodes connect; its certificate is for localhost.
func (h hub) leafURL(scheme string) string { return fmt.Sprintf("%s://localhost:%d", scheme, h.port) }

// wantLeaves waits until so many leaf nodes have joined.
func (h hub) wantLeaves(want int) {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); h.NumLeafNodes() != want; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("%d leaf nodes have joined, want %d", h.NumLeafNodes(), want)
		}
	}
}

// wantHears holds that somebody in the cluster hears what the agent records, as soon
// as their interest has crossed the leaf.
func (h hub) wantHears(a *agent, who nats.Option) {
	h.t.Helper()
	conn, err := nats.Connect(h.ClientURL(), who)
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.Close()
	heard, err := conn.SubscribeSync("nightshift.events.>")
	if err != nil {
		h.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		a.add(h.t, 1)
		if _, err := heard.NextMsg(200 * time.Millisecond); err == nil {
			return
		}
	}
	h.t.Error("what the agent records is not heard in the cluster")
}

// wantAnswer holds that somebody in the cluster gets an answer of the agent's.
func (h hub) wantAnswer(a *agent, who nats.Option) {
	h.t.Helper()
	const subject = "nightshift.ask.rave-1.status"
	answers, err := a.PeopleConn()
	if err != nil {
		h.t.Fatal(err)
	}
	defer answers.Close()
	_, err = answers.Subscribe(subject, func(m *nats.Msg) { _ = m.Respond([]byte("well")) })
	if err != nil {
		h.t.Fatal(err)
	}
	conn, err := nats.Connect(h.ClientURL(), who)
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.Close()
	for deadline := time.Now().Add(time.Minute); ; {
		answer, err := conn.Request(subject, nil, time.Second)
		if err == nil && string(answer.Data) == "well" {
			return
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("a request from the cluster gets %v", err)
		}
	}
}

// wantRefused holds that the cluster does not let that leaf in, however often it
// tries, and that the agent records all the same.
func (h hub) wantRefused(leaf Leaf) {
	h.t.Helper()
	before := h.turnedAway.Load()
	a := start(h.t, h.t.TempDir(), func(o *Options) { o.Leaf = leaf })
	defer a.stop(h.t)
	for deadline := time.Now().Add(time.Minute); h.turnedAway.Load() < before+2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatal("the leaf did not try twice")
		}
	}
	if got := h.NumLeafNodes(); got != 1 {
		h.t.Errorf("%d leaf nodes have joined, want the one that is known", got)
	}
	a.add(h.t, 1)
}

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) (key nkeys.KeyPair, public string) {
	t.Helper()
	key, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return key, publicOf(t, key)
}

func publicOf(t *testing.T, key nkeys.KeyPair) string {
	t.Helper()
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// seedInFile writes a key's seed to a file of its own.
func seedInFile(t *testing.T, key nkeys.KeyPair) string {
	t.Helper()
	seed, err := key.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return secretFile(t, seed)
}

// credentials makes a user of the account, and returns the file that it logs in with.
func credentials(t *testing.T, account nkeys.KeyPair) string {
	t.Helper()
	user, public := newKey(t, nkeys.CreateUser)
	token, err := jwt.NewUserClaims(public).Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		t.Fatal(err)
	}
	return secretFile(t, text)
}

func secretFile(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
