package journal

import (
	"fmt"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// The accounts. Subjects are private to an account; only what is exported and
// imported crosses.
const (
	journalAccount = "JOURNAL"
	peopleAccount  = "PEOPLE"
)

// operator is the user that every installation has: whoever may read the
// operator's seed on this host.
const operator = "operator"

// inside is the key of this process's own users. It exists only in memory, a
// new one for each start, so nobody else can be them.
func insideKey() (nkeys.KeyPair, string, error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, "", fmt.Errorf("cannot make a key for the agent: %w", err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		return nil, "", fmt.Errorf("cannot make a key for the agent: %w", err)
	}
	return pair, public, nil
}

// identities are the keys that the server knows.
type identities struct {
	journal, agent nkeys.KeyPair
	// the public halves
	journalKey, agentKey, operatorKey string
}

// newIdentities makes the process's own keys, and takes the operator's.
func newIdentities(operatorKey string) (*identities, error) {
	ids := &identities{operatorKey: operatorKey}
	var err error
	if ids.journal, ids.journalKey, err = insideKey(); err != nil {
		return nil, err
	}
	ids.agent, ids.agentKey, err = insideKey()
	return ids, err
}

// configure sets accounts and users in the server's options. The export is one
// way: PEOPLE sees what the stream republishes, and can publish nothing back,
// also not by the reply subject of a request, which no permission covers.
func (ids *identities) configure(opts *server.Options, host string) error {
	journal, people := server.NewAccount(journalAccount), server.NewAccount(peopleAccount)
	events := eventsSubject(host, "*")
	if err := journal.AddStreamExport(events, []*server.Account{people}); err != nil {
		return fmt.Errorf("cannot export %s: %w", events, err)
	}
	if err := people.AddStreamImport(journal, events, ""); err != nil {
		return fmt.Errorf("cannot import %s: %w", events, err)
	}
	opts.Accounts = []*server.Account{journal, people}
	opts.Nkeys = []*server.NkeyUser{
		{Nkey: ids.journalKey, Account: journal, AllowedConnectionTypes: inProcess()},
		{Nkey: ids.agentKey, Account: people, AllowedConnectionTypes: inProcess(), Permissions: agentMay(host)},
		{Nkey: ids.operatorKey, Account: people, Permissions: personMay(operator, host)},
	}
	return nil
}

// inProcess allows no connection from outside the process.
func inProcess() map[string]struct{} {
	return map[string]struct{}{jwt.ConnectionTypeInProcess: {}}
}

// agentMay is what the agent may do among people. It answers to inboxes only:
// a request's reply subject is chosen by whoever asks.
func agentMay(host string) *server.Permissions {
	return &server.Permissions{
		Publish:   allow("_INBOX.>", "nightshift.notify."+host+".*"),
		Subscribe: allow("nightshift.do.*."+host+".*", "nightshift.ask."+host+".>", "$SRV.>", "_INBOX.>"),
	}
}

// personMay is what a person may do: see everything that was stored, ask, and
// request verbs below their own name. What others ask and say is not for them to
// see: of a subscription to nightshift.> the server leaves that out.
func personMay(user, host string) *server.Permissions {
	return &server.Permissions{
		Publish: allow("nightshift.do."+user+"."+host+".*", "nightshift.ask."+host+".>", "$SRV.>"),
		Subscribe: &server.SubjectPermission{
			Allow: []string{"nightshift.>", "_INBOX.>"}, Deny: []string{"nightshift.do.>", "nightshift.ask.>"},
		},
	}
}

func allow(subjects ...string) *server.SubjectPermission {
	return &server.SubjectPermission{Allow: subjects}
}
