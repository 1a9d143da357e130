package journal

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// The accounts. Subjects are private to an account; only what is exported and
// imported crosses.
const (
	journalAccount = "JOURNAL"
	peopleAccount  = "PEOPLE"
	// clusterAccount is whoever comes over a leaf node. It lies beside PEOPLE and not
	// in it, so that nothing said in the cluster is heard here but as a request, and
	// nothing asked here goes out.
	clusterAccount = "CLUSTER"
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

// configure sets accounts and who may connect in the server's options. Each export
// is one way: PEOPLE and CLUSTER see what the stream republishes, and CLUSTER what
// the agent tells people, and neither can publish anything back, also not by the
// reply subject of a request, which no permission covers. From CLUSTER come verbs and
// queries, to which there are answers.
func (ids *identities) configure(opts *server.Options, host string) error {
	journal, people, cluster := server.NewAccount(journalAccount), server.NewAccount(peopleAccount), server.NewAccount(clusterAccount)
	events, notify := eventsSubject(host, "*"), notifySubjects(host)
	if err := errors.Join(
		stream(journal, events, people), stream(journal, events, cluster), stream(people, notify, cluster),
		service(people, "nightshift.do.*."+host+".*", cluster), service(people, "nightshift.ask."+host+".>", cluster),
		service(people, "$SRV.>", cluster),
	); err != nil {
		return err
	}
	opts.Accounts = []*server.Account{journal, people, cluster}
	opts.CustomClientAuthentication = ids.gate
	opts.AlwaysEnableNonce = true // what each one signs to prove that a key is theirs
	return nil
}

// stream has one account see what another publishes.
func stream(from *server.Account, subjects string, to *server.Account) error {
	if err := from.AddStreamExport(subjects, []*server.Account{to}); err != nil {
		return fmt.Errorf("cannot export %s: %w", subjects, err)
	}
	if err := to.AddStreamImport(from, subjects, ""); err != nil {
		return fmt.Errorf("cannot import %s: %w", subjects, err)
	}
	return nil
}

// service has one account answer the requests of another. Several may answer one, as
// to a ping of all services.
func service(by *server.Account, subjects string, of *server.Account) error {
	if err := by.AddServiceExportWithResponse(subjects, server.Streamed, []*server.Account{of}); err != nil {
		return fmt.Errorf("cannot export %s: %w", subjects, err)
	}
	if err := of.AddServiceImport(by, subjects, subjects); err != nil {
		return fmt.Errorf("cannot import %s: %w", subjects, err)
	}
	return nil
}

// notifySubjects are those of the host's notifications.
func notifySubjects(host string) string { return "nightshift.notify." + host + ".*" }

// agentMay is what the agent may do among people. It answers to inboxes only, for a
// request's reply subject is chosen by whoever asks; those of requests from CLUSTER
// the server itself makes below _R_, each with a token that nobody can guess.
func agentMay(host string) *server.Permissions {
	return &server.Permissions{
		Publish:   allow("_INBOX.>", "_R_.>"),
		Subscribe: allow("nightshift.do.*."+host+".*", "nightshift.ask."+host+".>", "$SRV.>", "_INBOX.>"),
	}
}

// notifierMay is what the connection for notifications may do: it hears nothing,
// so nobody can have it say anything.
func notifierMay(host string) *server.Permissions {
	return &server.Permissions{
		Publish:   allow(notifySubjects(host)),
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
