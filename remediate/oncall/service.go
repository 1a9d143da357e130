package oncall

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"nightshift/remediate"
)

// Agent is what people may do and ask.
type Agent interface {
	// Say does a verb of one incident for a person.
	Say(ctx context.Context, incident string, said remediate.Said) (remediate.Incident, error)
	// proof is the signature that a verb came with, nil where none was needed.
	Freeze(ctx context.Context, by, reason string, length time.Duration, proof *remediate.Proof) (remediate.Freeze, error)
	Thaw(ctx context.Context, by, comment string, proof *remediate.Proof) error
	// CloseBreaker ends the stop that failures put on a thing or a playbook.
	CloseBreaker(ctx context.Context, key remediate.BreakerKey, by, comment string, proof *remediate.Proof) error
	// Promote lets a playbook go further, up to what the inventory says.
	Promote(ctx context.Context, playbook string, to remediate.Autonomy, by, comment string, proof *remediate.Proof) error
	// Breakers are those that are open.
	Breakers(ctx context.Context) ([]remediate.Breaker, error)
	// Playbooks are those of the inventory, in its order, with what became of them.
	Playbooks(ctx context.Context) ([]PlaybookRecord, error)
	// Accept makes what a damaged journal holds the new base.
	Accept(ctx context.Context, by, reason string) error
	// Reload reads the configuration anew, and says what is in force now.
	Reload(by string) (string, error)
	// Status is how the agent is.
	Status(ctx context.Context) (Status, error)
	// Live are the incidents that are not over.
	Live(ctx context.Context) ([]remediate.Incident, error)
	// Explain says what would become of a webhook's alerts, as JSON.
	Explain(ctx context.Context, body string) ([]byte, error)
	// Verify walks the whole log.
	Verify(ctx context.Context) (Health, error)
}

// Options are what the service needs.
type Options struct {
	Host    string
	Version string
	// Dashboard is the URL of the site's page about the host; nil for none.
	Dashboard func() string
	// Conn is the agent's own connection among people: it hears requests, and
	// may publish to inboxes only.
	Conn *nats.Conn
	// Person is who a user is by the inventory in force; false for nobody.
	Person func(user string) (Person, bool)
	// Now is the clock that signatures expire by.
	Now      func() remediate.Instant
	Agent    Agent
	Machines Machines
	History  History
	Logger   *slog.Logger
}

// requestTimeout bounds the work of one request; a scan of a long log is the
// longest.
const requestTimeout = 30 * time.Second

// atOnce is how many verbs are worked on at the same time.
const atOnce = 4

// Service answers people until Stop.
type Service struct {
	o      Options
	verbs  *nats.Subscription
	micro  micro.Service
	slots  chan struct{} // taken by verbs under way
	asked  chan struct{} // taken by queries under way: never a verb's
	nonces nonces
	ctx    context.Context
	cancel context.CancelFunc
}

// Serve begins to answer.
func Serve(o Options) (*Service, error) {
	if o.Dashboard == nil {
		o.Dashboard = func() string { return "" }
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{o: o, slots: make(chan struct{}, atOnce), asked: make(chan struct{}, len(Queries)), ctx: ctx, cancel: cancel}
	var err error
	if s.verbs, err = o.Conn.Subscribe(doSubject("*", o.Host, "*"), func(m *nats.Msg) { s.beside(func() { s.verb(m) }) }); err != nil {
		cancel()
		return nil, fmt.Errorf("cannot listen to people: %w", err)
	}
	if err := s.serveQueries(); err != nil {
		cancel()
		return nil, err
	}
	if err := o.Conn.FlushTimeout(heardWithin); err != nil {
		s.Stop()
		return nil, fmt.Errorf("cannot listen to people: %w", err)
	}
	return s, nil
}

// heardWithin bounds the wait until the server knows what is listened to: who asks
// as soon as the service is there must not be told that nobody answers.
const heardWithin = 5 * time.Second

// Stop ends the service. What is under way is cut short.
func (s *Service) Stop() {
	s.cancel()
	_ = s.verbs.Unsubscribe() // both fail only on a connection that is closed
	_ = s.micro.Stop()
	for range cap(s.slots) {
		s.slots <- struct{}{}
	}
	for range cap(s.asked) {
		s.asked <- struct{}{}
	}
}

// within works on a query in the goroutine that brought it: a micro service reads
// what a handler answered as soon as it returns. Each kind of query has a goroutine
// of its own, so a slow one holds up its like only.
func (s *Service) within(work func()) {
	select {
	case s.asked <- struct{}{}:
	case <-s.ctx.Done():
		return
	}
	defer func() { <-s.asked }()
	work()
}

// beside works on a request beside the subscription, so that a slow one holds up
// no other; when all slots are taken the next one waits.
func (s *Service) beside(work func()) {
	select {
	case s.slots <- struct{}{}:
	case <-s.ctx.Done():
		return
	}
	go func() {
		defer func() { <-s.slots }()
		work()
	}()
}

// answerable reports whether answers may go there. The server checks who may publish a request,
// not where its answer goes: a reply-to of another kind would make the agent speak
// there with its own rights, so such a request is not heard at all.
// Where the request comes from the cluster the server has put one of its own, below
// _R_, in the place of the inbox.
func answerable(reply string) bool {
	return strings.HasPrefix(reply, "_INBOX.") || strings.HasPrefix(reply, "_R_.")
}

// verb does what a person asks and answers once it is durable.
func (s *Service) verb(m *nats.Msg) {
	if !answerable(m.Reply) {
		s.o.Logger.Warn("a verb without an inbox for its answer is not heard", slog.String("subject", remediate.Printable(m.Subject)))
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, requestTimeout)
	defer cancel()
	reply, err := s.do(ctx, m)
	if err != nil {
		reply = Reply{Error: err.Error()}
	}
	s.answer(m, reply)
}

func (s *Service) do(ctx context.Context, m *nats.Msg) (Reply, error) {
	user, verb, ok := heard(m.Subject, s.o.Host)
	if !ok {
		return Reply{}, fmt.Errorf("cannot read subject %q", remediate.Printable(m.Subject))
	}
	var r Request
	if err := remediate.DecodeStrict(m.Data, &r); err != nil {
		return Reply{}, err
	}
	who, err := s.speaker(user, verb, r)
	if err != nil {
		return Reply{}, err
	}
	r.Comment = remediate.Brief(r.Comment)
	switch verb {
	case Freeze:
		f, err := s.o.Agent.Freeze(ctx, user, r.Comment, max(r.For, 0), who.proof)
		return Reply{Done: frozenSentence(f)}, err
	case Thaw:
		return Reply{Done: "thawed: the agent acts again"}, s.o.Agent.Thaw(ctx, user, r.Comment, who.proof)
	case Accept:
		if r.Comment == "" {
			return Reply{}, errors.New("cannot accept the journal without a reason")
		}
		return Reply{Done: "accepted: the journal goes on from what it holds; the agent stays frozen until it is thawed"}, s.o.Agent.Accept(ctx, user, r.Comment)
	case Reload:
		done, err := s.o.Agent.Reload(user)
		return Reply{Done: done}, err
	case Start, Run:
		return s.start(ctx, who, r)
	case Breaker:
		return Reply{Done: fmt.Sprintf("breaker %s is closed: what failed before counts no more", remediate.Printable(string(r.Breaker)))},
			s.o.Agent.CloseBreaker(ctx, r.Breaker, user, r.Comment, who.proof)
	case Promote:
		return Reply{Done: fmt.Sprintf("playbook %s may %s", remediate.Printable(r.Playbook), cmp.Or(r.To.String(), "go one level further"))},
			s.o.Agent.Promote(ctx, r.Playbook, r.To, user, r.Comment, who.proof)
	case Ack, Approve, Deny, Cancel, Close, Resume, Comment:
		return s.say(ctx, verb, who, r)
	}
	return Reply{}, fmt.Errorf("cannot %q: nothing is known to do for it", verb)
}

// speaker is who said a verb, as far as that is sure.
type speaker struct {
	name     string
	approves remediate.Risk
	proof    *remediate.Proof
}

// speaker finds out who a user is, and checks the signature where one is needed.
func (s *Service) speaker(user, verb string, r Request) (speaker, error) {
	if !slices.Contains(Verbs, verb) {
		return speaker{}, fmt.Errorf("cannot %q: expected one of %v", remediate.Printable(verb), Verbs)
	}
	person, ok := s.o.Person(user)
	if !ok {
		return speaker{}, fmt.Errorf("cannot %s: the inventory has no person %q", verb, remediate.Printable(user))
	}
	who := speaker{name: user, approves: person.Approves}
	if !NeedsSignature(verb) {
		return who, nil
	}
	now := s.o.Now().Wall
	var err error
	if who.proof, err = person.proof(verb, s.o.Host, user, r, now); err != nil {
		return speaker{}, err
	}
	if !s.nonces.take(who.proof.Nonce, who.proof.Expires.Wall, now) {
		return speaker{}, fmt.Errorf("cannot %s: this signature was used before; say it again", verb)
	}
	return who, nil
}

// say does a verb of one incident.
func (s *Service) say(ctx context.Context, verb string, who speaker, r Request) (Reply, error) {
	if verb == Approve && r.Plan == "" && !r.Again {
		return Reply{}, errors.New("cannot approve what was not seen: expected plan, the digest of the rung")
	}
	i, err := s.o.Agent.Say(ctx, r.Incident, remediate.Said{
		Verb: verb, By: who.name, Comment: r.Comment, Plan: r.Plan, Mute: r.Mute, Again: r.Again, Force: r.Force,
		Approves: who.approves, Proof: who.proof,
	})
	if err != nil {
		return Reply{}, err
	}
	summary := Summarise(&i)
	return Reply{Done: doneSentence(verb, r, &i), Incident: &summary}, nil
}

// doneSentence says what came of a verb of one incident.
func doneSentence(verb string, r Request, i *remediate.Incident) string {
	switch {
	case verb == Approve && r.Again:
		return fmt.Sprintf("incident %s is planned anew, and asks again", i.ID)
	case verb == Approve:
		return fmt.Sprintf("incident %s is approved: the gates are asked again, then it is done", i.ID)
	case verb == Ack:
		return fmt.Sprintf("incident %s is yours: nobody else is called for now", i.ID)
	case verb == Comment:
		return fmt.Sprintf("it is written down with incident %s", i.ID)
	}
	return fmt.Sprintf("incident %s is %s", i.ID, i.State)
}

func frozenSentence(f remediate.Freeze) string {
	if f.Until.IsZero() {
		return "frozen until somebody thaws: incidents are recorded and handed to people, nothing is done"
	}
	return "frozen until " + f.Until.Wall.Format(time.RFC3339) + ": incidents are recorded and handed to people, nothing is done"
}

func (s *Service) answer(m *nats.Msg, value any) {
	text, err := remediate.EncodeJSON(value)
	if err != nil {
		text = []byte(`{"error":"cannot encode the answer"}`)
	}
	if err := m.Respond(text); err != nil {
		s.o.Logger.Warn("cannot answer a person", slog.Any("err", err))
	}
}

// serveQueries offers the queries as a NATS micro service.
func (s *Service) serveQueries() error {
	service, err := micro.AddService(s.o.Conn, micro.Config{
		Name: "nightshift", Version: semantic(s.o.Version), Description: "what the agent on " + s.o.Host + " knows",
		Metadata: map[string]string{"host": s.o.Host},
	})
	if err != nil {
		return fmt.Errorf("cannot offer queries: %w", err)
	}
	s.micro = service
	for name, query := range s.queries() {
		handler := func(r micro.Request) { s.within(func() { s.query(r, query) }) }
		if err := service.AddEndpoint(name, micro.HandlerFunc(handler), micro.WithEndpointSubject(askSubject(s.o.Host, name))); err != nil {
			_ = service.Stop()
			return fmt.Errorf("cannot offer the query %s: %w", name, err)
		}
	}
	return nil
}

// query answers with JSON, or with an error in the header as micro services do.
func (s *Service) query(r micro.Request, ask func(context.Context, []byte) (any, error)) {
	if !answerable(r.Reply()) {
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, requestTimeout)
	defer cancel()
	value, err := ask(ctx, r.Data())
	if err != nil {
		s.refuse(r, "400", err)
		return
	}
	text, err := remediate.EncodeJSON(value)
	if err == nil && int64(len(text)) > s.o.Conn.MaxPayload() {
		err = fmt.Errorf("the answer has %d bytes, a message holds %d; ask for less (--since, --limit)", len(text), s.o.Conn.MaxPayload())
	}
	if err != nil {
		s.refuse(r, "500", err)
		return
	}
	if err := r.Respond(text); err != nil {
		s.o.Logger.Warn("cannot answer a query", slog.Any("err", err))
	}
}

// refuse answers a query with an error, in the header as micro services do.
func (s *Service) refuse(r micro.Request, code string, why error) {
	if err := r.Error(code, remediate.Printable(why.Error()), nil); err != nil {
		s.o.Logger.Warn("cannot answer a query", slog.Any("err", err))
	}
}

func (s *Service) queries() map[string]func(context.Context, []byte) (any, error) {
	return map[string]func(context.Context, []byte) (any, error){
		AskStatus:    func(ctx context.Context, _ []byte) (any, error) { return s.o.Agent.Status(ctx) },
		AskVerify:    func(ctx context.Context, _ []byte) (any, error) { return s.o.Agent.Verify(ctx) },
		AskVMs:       func(ctx context.Context, _ []byte) (any, error) { return s.o.Machines.VMs(ctx) },
		AskForesee:   s.foresee,
		AskBreakers:  func(ctx context.Context, _ []byte) (any, error) { return s.o.Agent.Breakers(ctx) },
		AskPlaybooks: func(ctx context.Context, _ []byte) (any, error) { return s.o.Agent.Playbooks(ctx) },
		AskIncidents: func(ctx context.Context, body []byte) (any, error) {
			var f Filter
			if err := remediate.DecodeStrict(body, &f); err != nil {
				return nil, err
			}
			return s.incidents(ctx, f)
		},
		AskIncident: func(ctx context.Context, body []byte) (any, error) {
			var q IncidentQuery
			if err := remediate.DecodeStrict(body, &q); err != nil {
				return nil, err
			}
			return Tell(ctx, s.o.History, q)
		},
		AskEvents: func(ctx context.Context, body []byte) (any, error) {
			var q EventsQuery
			if err := remediate.DecodeStrict(body, &q); err != nil {
				return nil, err
			}
			return Page(ctx, s.o.History, q)
		},
		AskNotifications: func(ctx context.Context, body []byte) (any, error) {
			var q NotificationsQuery
			if err := remediate.DecodeStrict(body, &q); err != nil {
				return nil, err
			}
			told, err := Notifications(ctx, s.o.History, s.o.Host, q)
			for n := range told {
				told[n].Dashboard = s.o.Dashboard()
			}
			return told, err
		},
		AskExplain: func(ctx context.Context, body []byte) (any, error) {
			var q ExplainQuery
			if err := remediate.DecodeStrict(body, &q); err != nil {
				return nil, err
			}
			text, err := s.o.Agent.Explain(ctx, q.Body)
			return remediate.RawJSON(text), err
		},
	}
}

// incidents needs the log only for what is over.
func (s *Service) incidents(ctx context.Context, f Filter) ([]Summary, error) {
	live, err := s.o.Agent.Live(ctx)
	if err != nil {
		return nil, err
	}
	if f.Open {
		known := map[remediate.ID]*remediate.Incident{}
		for n := range live {
			known[live[n].ID] = &live[n]
		}
		return f.choose(known), nil
	}
	return Incidents(ctx, s.o.History, f)
}

// semantic is a version that a micro service takes: three numbers.
func semantic(version string) string {
	var a, b, c int
	if n, _ := fmt.Sscanf(version, "v%d.%d.%d", &a, &b, &c); n == 3 {
		return fmt.Sprintf("%d.%d.%d", a, b, c)
	}
	return "0.0.0"
}
