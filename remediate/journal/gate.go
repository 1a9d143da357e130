package journal

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"nightshift/remediate"
)

// Person is a user of the NATS server.
type Person struct {
	// Name is one token of [a-z0-9-]; below it they may say verbs.
	Name string
	// Key is the public half of their nkey, U….
	Key string
}

// check finds what is wrong with a person.
func (p Person) check() error {
	switch {
	case !tokenPattern.MatchString(p.Name):
		return fmt.Errorf("cannot use person %q: expected 1 to 63 of a-z, 0-9 and -", remediate.Printable(p.Name))
	case p.Name == operator:
		return errors.New("cannot use person operator: that is the name of whoever may read the operator's key on this host; choose another")
	case !nkeys.IsValidPublicUserKey(p.Key):
		return fmt.Errorf("cannot use the key of person %s: expected the public half of a user's nkey, U…", p.Name)
	}
	return nil
}

// guest is who has a key.
type guest struct {
	name    string
	account string
	may     *server.Permissions // nil is everything in the account
	// inside is whether they may connect from within this process only.
	inside bool
}

// gate decides who may connect to the server of the moment. The server could
// itself, from its options; but to change those it builds each account anew, the
// journal's with it, which then has no store for a moment, or for good. Here
// people come and go and nothing else is touched.
type gate struct {
	log *slog.Logger

	// mu guards both. A connection is checked and given its permissions under it,
	// so that nobody slips in while the users change.
	mu    sync.RWMutex
	users map[string]guest // by public key
	srv   *server.Server
}

func newGate(log *slog.Logger) *gate { return &gate{log: log} }

// serve makes srv the server of the moment.
func (g *gate) serve(srv *server.Server) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.srv = srv
}

// use changes who may connect, and ends the connections of those who may not any
// more, or who are somebody else now.
func (g *gate) use(users map[string]guest) {
	g.mu.Lock()
	before := g.users
	g.users = users
	srv := g.srv
	g.mu.Unlock()
	if srv == nil {
		return
	}
	gone := map[string]bool{}
	for key, was := range before {
		if now, ok := users[key]; !ok || now.name != was.name {
			gone[key] = true
		}
	}
	if len(gone) > 0 {
		g.disconnect(srv, gone)
	}
}

// disconnect ends the connections of some keys.
func (g *gate) disconnect(srv *server.Server, keys map[string]bool) {
	all, err := srv.Connz(&server.ConnzOptions{Username: true, Limit: server.DEFAULT_MAX_CONNECTIONS})
	if err != nil {
		g.log.Error("cannot see who is connected; restart the agent to be sure that those who were removed are gone", "error", err)
		return
	}
	for _, conn := range all.Conns {
		if keys[conn.AuthorizedUser] {
			_ = srv.DisconnectClientByID(conn.Cid) // it fails only where the connection is gone
		}
	}
}

// Check lets a connection in whose key is known, and who proves to have it. It
// implements server.Authentication.
func (g *gate) Check(c server.ClientAuthentication) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	o := c.GetOpts()
	who, ok := g.users[o.Nkey]
	if !ok || g.srv == nil || c.Kind() != server.CLIENT || who.inside && !inProcess(c) {
		return false
	}
	if !signed(o.Nkey, o.Sig, c.GetNonce()) {
		return false
	}
	account, err := g.srv.LookupAccount(who.account)
	if err != nil {
		return false
	}
	c.RegisterUser(&server.User{Account: account, Permissions: who.may})
	return true
}

// inProcess reports whether a connection comes from within this process, by what
// it is: a pipe, as net.Pipe says of both its ends.
func inProcess(c server.ClientAuthentication) bool {
	address := c.RemoteAddress()
	return address != nil && address.Network() == "pipe"
}

// signed reports whether the server's nonce was signed with a key. Clients use
// base64 for URLs; some older ones the other.
func signed(key, signature string, nonce []byte) bool {
	sig, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		if sig, err = base64.StdEncoding.DecodeString(signature); err != nil {
			return false
		}
	}
	public, err := nkeys.FromPublicKey(key)
	return err == nil && len(nonce) > 0 && public.Verify(nonce, sig) == nil
}
