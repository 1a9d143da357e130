package journal

import (
	"fmt"

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

// identities are the keys of this process's own users, which exist only in
// memory, new ones for each start, so nobody else can be them; and who else may
// connect.
type identities struct {
	// journal reaches the streams. agent hears people and answers to inboxes;
	// notifier may publish notifications, and nothing makes it answer.
	journal, agent, notifier nkeys.KeyPair
	operatorKey              string
	gate                     *gate
}

// newIdentities makes the process's own keys, and takes the operator's.
func newIdentities(o *Options, operatorKey string) (*identities, error) {
	ids := &identities{operatorKey: operatorKey, gate: newGate(o.logger())}
	for _, key := range []*nkeys.KeyPair{&ids.journal, &ids.agent, &ids.notifier} {
		pair, err := nkeys.CreateUser()
		if err != nil {
			return nil, fmt.Errorf("cannot make a key for the agent: %w", err)
		}
		*key = pair
	}
	return ids, ids.admit(o.Host, o.People)
}

// admit makes people, the operator and this process those who may connect.
func (ids *identities) admit(host string, people []Person) error {
	users := map[string]guest{
		ids.operatorKey: {name: operator, account: peopleAccount, may: personMay(operator, host)},
	}
	for _, p := range people {
		if err := p.check(); err != nil {
			return err
		}
		if other, ok := users[p.Key]; ok {
			return fmt.Errorf("cannot use the key of person %s: it is also that of %s", p.Name, other.name)
		}
		users[p.Key] = guest{name: p.Name, account: peopleAccount, may: personMay(p.Name, host)}
	}
	for key, inside := range map[nkeys.KeyPair]guest{
		ids.journal:  {name: "nightshift-journal", account: journalAccount, inside: true},
		ids.agent:    {name: "nightshift-agent", account: peopleAccount, inside: true, may: agentMay(host)},
		ids.notifier: {name: "nightshift-notifier", account: peopleAccount, inside: true, may: notifierMay(host)},
	} {
		public, err := key.PublicKey()
		if err != nil {
			return fmt.Errorf("cannot make a key for the agent: %w", err)
		}
		users[public] = inside
	}
	ids.gate.use(users)
	return nil
}

// configure sets accounts and who may connect in the server's options. The export
// is one way: PEOPLE sees what the stream republishes, and can publish nothing
// back, also not by the reply subject of a request, which no permission covers.
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
	opts.CustomClientAuthentication = ids.gate
	opts.AlwaysEnableNonce = true // what each one signs to prove that a key is theirs
	return nil
}

// agentMay is what the agent may do among people. It answers to inboxes only:
// a request's reply subject is chosen by whoever asks.
func agentMay(host string) *server.Permissions {
	return &server.Permissions{
		Publish:   allow("_INBOX.>"),
		Subscribe: allow("nightshift.do.*."+host+".*", "nightshift.ask."+host+".>", "$SRV.>", "_INBOX.>"),
	}
}

// notifierMay is what the connection for notifications may do: it hears nothing,
// so nobody can have it say anything.
func notifierMay(host string) *server.Permissions {
	return &server.Permissions{
		Publish:   allow("nightshift.notify." + host + ".*"),
		Subscribe: &server.SubjectPermission{Deny: []string{">"}},
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
