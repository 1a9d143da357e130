package oncall

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"go.uber.org/goleak"

	"nightshift/alerts"
	"nightshift/remediate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log is a History in memory: events in order, numbered from 1. The real one reads
// a stream and decodes; what it gives is the same.
type log []remediate.Event

func (l log) Events(_ context.Context, id remediate.ID, since time.Time, f func(remediate.Event) error) error {
	for _, e := range l {
		if id != "" && e.Incident != id || e.At.Wall.Before(since) {
			continue
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

func (l log) Stored(_ context.Context, id remediate.ID, since time.Time, f func(StoredEvent) bool) error {
	for n, e := range l {
		if id != "" && e.Incident != id || e.At.Wall.Before(since) {
			continue
		}
		if !f(StoredEvent{N: uint64(n + 1), At: e.At.Wall, Raw: fmt.Appendf(nil, `{"n":%d}`, n+1)}) {
			return nil
		}
	}
	return nil
}

func (l log) Evidence(_ context.Context, digest string) (string, error) {
	if digest == "known" {
		return "the whole text", nil
	}
	return "", errors.New("gone")
}

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// opened is the first event of an incident, minutes after noon.
func opened(id remediate.ID, playbook, unit string, minutes int) remediate.Event {
	return remediate.Event{
		Type: remediate.IncidentOpened, Incident: id, At: remediate.Instant{Wall: noon.Add(time.Duration(minutes) * time.Minute)},
		Opened: &remediate.Opened{
			Alert:    alerts.Alert{Status: alerts.Firing, Labels: map[string]string{"alertname": "Down"}},
			Playbook: remediate.Playbook{Name: playbook}, Target: remediate.Unit(unit),
		},
	}
}

// ended is its last.
func ended(id remediate.ID, state remediate.State, minutes int) remediate.Event {
	return remediate.Event{
		Type: remediate.IncidentEnded, Incident: id, At: remediate.Instant{Wall: noon.Add(time.Duration(minutes) * time.Minute)},
		Ended: &remediate.Ended{State: state, Reason: remediate.ReasonClosed},
	}
}

var twoIncidents = log{
	opened("AAAAAAAA", "web", "nginx.service", 0),
	{Type: remediate.AlertsRead, At: remediate.Instant{Wall: noon}, Read: &remediate.Read{}},
	opened("AABBBBBB", "db", "postgresql.service", 1),
	ended("AAAAAAAA", remediate.Closed, 2),
}

func TestIncidentsAreFoldedFromTheLogTheNewestFirst(t *testing.T) {
	for name, c := range map[string]struct {
		filter Filter
		want   []remediate.ID
	}{
		"all":         {Filter{}, []remediate.ID{"AABBBBBB", "AAAAAAAA"}},
		"open":        {Filter{Open: true}, []remediate.ID{"AABBBBBB"}},
		"by outcome":  {Filter{Outcome: "closed"}, []remediate.ID{"AAAAAAAA"}},
		"by playbook": {Filter{Playbook: "db"}, []remediate.ID{"AABBBBBB"}},
		"by target":   {Filter{Target: "unit:nginx.service"}, []remediate.ID{"AAAAAAAA"}},
		"by its name": {Filter{Target: "nginx.service"}, []remediate.ID{"AAAAAAAA"}},
		"since":       {Filter{Since: noon.Add(time.Minute)}, []remediate.ID{"AABBBBBB"}},
		"limited":     {Filter{Limit: 1}, []remediate.ID{"AABBBBBB"}},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := Incidents(t.Context(), twoIncidents, c.filter)
			if err != nil {
				t.Fatal(err)
			}
			var got []remediate.ID
			for _, s := range list {
				got = append(got, s.ID)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("incidents %v, want %v", got, c.want)
			}
		})
	}
}

func TestAStoryIsFoundByAnyUnambiguousBeginning(t *testing.T) {
	for prefix, want := range map[string]string{
		"aab": "AABBBBBB", "AAAAAAAA": "AAAAAAAA", "aa": "cannot tell which", "b": "cannot find", "ZZZZZZZZ": "cannot find", "a;b": "cannot read",
	} {
		story, err := Tell(t.Context(), twoIncidents, IncidentQuery{Incident: prefix})
		if err != nil && !strings.Contains(err.Error(), want) || err == nil && string(story.Incident.ID) != want {
			t.Errorf("%q tells of %q, %v; want %s", prefix, story.Incident.ID, err, want)
		}
	}
}

func TestEvidenceThatIsGoneSaysSo(t *testing.T) {
	l := append(slices.Clone(twoIncidents), remediate.Event{
		Type: remediate.EvidenceGathered, Incident: "AABBBBBB", At: remediate.Instant{Wall: noon.Add(time.Hour)},
		Gathered: &remediate.Gathered{Evidence: []remediate.Evidence{{Text: "the wh", Digest: "known"}, {Text: "a", Digest: "lost"}}},
	})
	story, err := Tell(t.Context(), l, IncidentQuery{Incident: "AABBBBBB", Evidence: true})
	if err != nil {
		t.Fatal(err)
	}
	seen := story.Entries[len(story.Entries)-1].Event.Gathered.Evidence
	if seen[0].Text != "the whole text" || seen[1].Error == "" {
		t.Errorf("evidence is %+v", seen)
	}
}

func TestPagesHaveEachEventOnce(t *testing.T) {
	var l log
	for n := range 2*PageEvents + 3 {
		l = append(l, opened(remediate.ID(fmt.Sprintf("%08d", n)), "web", "nginx.service", n/7))
	}
	events, pages := 0, 0
	for q := (&EventsQuery{}); q != nil; pages++ {
		page, err := Page(t.Context(), l, *q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			events++
			if want := fmt.Sprintf(`{"n":%d}`, events); string(e) != want {
				t.Fatalf("event is %s, want %s", e, want)
			}
		}
		q = page.Next
	}
	if events != len(l) || pages != 3 {
		t.Errorf("%d events on %d pages, want %d on 3", events, pages, len(l))
	}
}

// agent is an Agent that remembers what was said to it.
type agent struct{ said []string }

func (a *agent) Say(_ context.Context, id string, s remediate.Said) (remediate.Incident, error) {
	a.said = append(a.said, s.By+" "+s.Verb+" "+id+" "+s.Comment+s.Plan)
	if id == "NONE" {
		return remediate.Incident{}, errors.New("cannot find a current incident NONE")
	}
	return remediate.Incident{ID: "AAAAAAAA", State: remediate.Closed}, nil
}

func (a *agent) Freeze(_ context.Context, by, reason string, d time.Duration, _ *remediate.Proof) (remediate.Freeze, error) {
	a.said = append(a.said, fmt.Sprint(by, " freeze ", d, " ", reason))
	return remediate.Freeze{By: by}, nil
}

func (a *agent) Thaw(_ context.Context, by, _ string, _ *remediate.Proof) error {
	a.said = append(a.said, by+" thaw")
	return nil
}

func (a *agent) CloseBreaker(_ context.Context, key remediate.BreakerKey, by, comment string, _ *remediate.Proof) error {
	a.said = append(a.said, fmt.Sprint(by, " breaker ", key, " ", comment))
	return nil
}

func (a *agent) Promote(_ context.Context, playbook string, to remediate.Autonomy, by, comment string, _ *remediate.Proof) error {
	a.said = append(a.said, fmt.Sprint(by, " promote ", playbook, " ", to, " ", comment))
	return nil
}

func (a *agent) Breakers(context.Context) ([]remediate.Breaker, error) {
	return []remediate.Breaker{{Playbook: "web"}}, nil
}

func (a *agent) Playbooks(context.Context) ([]PlaybookRecord, error) {
	return []PlaybookRecord{{Name: "web"}}, nil
}

func (a *agent) Accept(_ context.Context, by, reason string) error {
	a.said = append(a.said, by+" accept "+reason)
	return nil
}
func (a *agent) Reload(by string) (string, error) {
	a.said = append(a.said, by+" reload")
	return "reloaded", nil
}
func (a *agent) Status(context.Context) (Status, error)             { return Status{Host: "rave-1"}, nil }
func (a *agent) Live(context.Context) ([]remediate.Incident, error) { return nil, nil }
func (a *agent) Explain(context.Context, string) ([]byte, error)    { return []byte(`[]`), nil }
func (a *agent) Verify(context.Context) (Health, error)             { return Health{Events: 4}, nil }

func (a *agent) Start(_ context.Context, by string, o Order, _ *remediate.Proof) (remediate.Incident, error) {
	a.said = append(a.said, fmt.Sprintf("%s start %s %s %+v", by, o.Playbook, o.Target, o.Asked(by)))
	return remediate.Incident{ID: "BBBBBBBB", State: remediate.Open, Target: o.Target}, nil
}

func (a *agent) Foresee(_ context.Context, o Order) ([]byte, error) {
	if o.Target.IsZero() {
		return nil, errors.New("cannot start nothing")
	}
	return fmt.Appendf(nil, `{"playbook":%q}`, o.Playbook), nil
}

func (a *agent) VMs(context.Context) ([]VM, error) { return []VM{{Name: "rave"}}, nil }

// served is a service on a real nats-server without accounts, and a client of it.
func served(t *testing.T) (*agent, *Client, *nats.Conn) {
	t.Helper()
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, _ := key.PublicKey()
	seed, _ := key.Seed()
	file := t.TempDir() + "/seed"
	if err := os.WriteFile(file, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, Nkeys: []*server.NkeyUser{{Nkey: public}}})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	identity, err := nats.NkeyOptionFromSeed(file)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(s.ClientURL(), identity)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	a := &agent{}
	service, err := Serve(Options{
		Host: "rave-1", Version: "v1.2.3", Conn: conn, Agent: a, Machines: a, History: twoIncidents, Logger: slog.New(slog.DiscardHandler),
		Person: func(user string) (Person, bool) {
			return Person{Key: public, Approves: remediate.Rollback}, user == "ann"
		},
		Now: func() remediate.Instant { return remediate.Instant{Wall: time.Now()} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(service.Stop)
	c, err := Connect(s.ClientURL(), "ann", "rave-1", file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return a, c, conn
}

func TestAVerbIsDoneByWhoeverTheSubjectSays(t *testing.T) {
	a, c, _ := served(t)
	for _, r := range []struct {
		verb    string
		request Request
	}{
		{Close, Request{Incident: "AA", Comment: "mended\x1b[2J"}}, {Resume, Request{Incident: "AA"}},
		{Freeze, Request{For: time.Minute, Comment: "work"}}, {Thaw, Request{}}, {Accept, Request{Comment: "disk"}},
		{Approve, Request{Incident: "aab", Plan: "5f2c"}}, {Deny, Request{Incident: "AAA", Comment: "not now"}},
		{Ack, Request{Incident: "AA"}}, {Comment, Request{Incident: "AA", Comment: "it rains in"}}, {Cancel, Request{Incident: "AABBBBBB"}},
		{Breaker, Request{Breaker: "playbook:web"}}, {Promote, Request{Playbook: "web", To: remediate.Act, Comment: "it earned it"}},
		{Start, Request{Order: &Order{Playbook: "vm-rollback", Target: remediate.VM("rave"), Checkpoint: "monday", Comment: "slow since then"}}},
	} {
		if _, err := c.Do(t.Context(), r.verb, r.request); err != nil {
			t.Errorf("%s: %v", r.verb, err)
		}
	}
	want := []string{"ann close AA mended\uFFFD[2J", "ann resume AA ", "ann freeze 1m0s work", "ann thaw", "ann accept disk",
		"ann approve AABBBBBB 5f2c", "ann deny AAAAAAAA not now",
		"ann ack AA ", "ann comment AA it rains in", "ann cancel AABBBBBB ",
		"ann breaker playbook:web ", "ann promote web act it earned it",
		"ann start vm-rollback vm:rave {By:ann Comment:slow since then Checkpoint:monday Image: Proof:<nil>}",
	}
	if !slices.Equal(a.said, want) {
		t.Errorf("the agent heard %q, want %q", a.said, want)
	}
}

func TestWhatDoesNotFitIsRefusedInWords(t *testing.T) {
	a, c, conn := served(t)
	for name, c := range map[string]struct{ err, want string }{
		"an unknown verb":   {refusal(c.Do(t.Context(), "explode", Request{})), `cannot "explode"`},
		"no such incident":  {refusal(c.Do(t.Context(), Close, Request{Incident: "NONE"})), "cannot find a current incident"},
		"no reason":         {refusal(c.Do(t.Context(), Accept, Request{})), "without a reason"},
		"a yes to nothing":  {refusal(c.Do(t.Context(), Approve, Request{Incident: "AAA"})), "cannot approve what was not seen"},
		"no order":          {refusal(c.Do(t.Context(), Start, Request{})), "cannot start what is not named"},
		"an unknown member": {raw(t, conn, `{"incident":"AA","yes":true}`), "unknown"},
		"no JSON":           {raw(t, conn, `close AA`), "cannot decode"},
		"a member twice":    {raw(t, conn, `{"incident":"AA","incident":"BB"}`), "duplicate"},
	} {
		if !strings.Contains(c.err, c.want) {
			t.Errorf("%s: %q, want it to say %q", name, c.err, c.want)
		}
	}
	if want := []string{"ann close NONE "}; !slices.Equal(a.said, want) {
		t.Errorf("the agent heard %q, want %q", a.said, want)
	}
}

func refusal(_ Reply, err error) string { return fmt.Sprint(err) }

// raw says close in the words given.
func raw(t *testing.T, conn *nats.Conn, body string) string {
	t.Helper()
	m, err := conn.Request("nightshift.do.ann.rave-1.close", []byte(body), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return string(m.Data)
}

func TestAVerbWhoseAnswerWouldGoElsewhereIsNotHeard(t *testing.T) {
	a, c, conn := served(t)
	stolen, err := conn.SubscribeSync("nightshift.notify.rave-1.escalated")
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"nightshift.do.ann.rave-1.thaw", "nightshift.ask.rave-1.status"} {
		if err := conn.PublishRequest(subject, "nightshift.notify.rave-1.escalated", nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Do(t.Context(), Freeze, Request{}); err != nil { // it is dealt with after both
		t.Fatal(err)
	}
	if pending, _, _ := stolen.Pending(); pending != 0 || len(a.said) != 1 {
		t.Errorf("%d answers went elsewhere, and the agent heard %q", pending, a.said)
	}
}

func TestQueriesAreAnswered(t *testing.T) {
	_, c, _ := served(t)
	var status Status
	var list []Summary
	var story Story
	var page EventsPage
	var health Health
	var vms []VM
	var foreseen struct {
		Playbook string `json:"playbook"`
	}
	for query, q := range map[string]struct{ question, answer any }{
		AskStatus: {struct{}{}, &status}, AskIncidents: {Filter{}, &list}, AskIncident: {IncidentQuery{Incident: "AAB"}, &story},
		AskEvents: {EventsQuery{}, &page}, AskVerify: {struct{}{}, &health},
		AskVMs: {struct{}{}, &vms}, AskForesee: {Order{Playbook: "vm-undo", Target: remediate.VM("rave")}, &foreseen},
	} {
		if err := c.Ask(t.Context(), query, q.question, q.answer); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	if status.Host != "rave-1" || len(list) != 2 || story.Incident.ID != "AABBBBBB" || len(page.Events) != 4 || health.Events != 4 ||
		len(vms) != 1 || foreseen.Playbook != "vm-undo" {
		t.Errorf("answers: %+v %+v %+v %d events %+v", status, list, story.Incident.ID, len(page.Events), health)
	}
	err := c.Ask(t.Context(), AskIncident, IncidentQuery{Incident: "ZZZZZZZZ"}, &story)
	if err == nil || !strings.Contains(err.Error(), "cannot find incident ZZZZZZZZ") {
		t.Errorf("error is %v", err)
	}
}
