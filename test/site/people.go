package site

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
	"nightshift/test/world"
)

// seedFile is the operator's key in the agent's state directory.
const seedFile = "/var/lib/nightshift/operator.nk"

// listen subscribes to the agent's events.
func (s *Site) listen() error {
	address, err := s.Forward(people)
	if err != nil {
		return err
	}
	s.people = "nats://" + address
	identity, err := nats.NkeyOptionFromSeed(s.Path(seedFile))
	if err != nil {
		return fmt.Errorf("cannot use the operator's key: %w", err)
	}
	s.conn, err = nats.Connect(s.people, identity, nats.MaxReconnects(-1), nats.ReconnectWait(poll))
	if err != nil {
		return fmt.Errorf("cannot listen to the agent: %w", err)
	}
	if _, err := s.conn.Subscribe("nightshift.events."+world.Hostname+".>", s.hear); err != nil {
		return fmt.Errorf("cannot listen to the agent: %w", err)
	}
	return s.conn.Flush()
}

// Events are the agent's events from the start of the site on, as people are told
// of them: each is stored before. It is one queue for all who read it. What the
// agent says just when its connections break is in [Site.Story] only.
func (s *Site) Events() <-chan remediate.Event { return s.events }

// cloudEvent is what is read of an event on the wire.
type cloudEvent struct {
	Type    string    `json:"type"`
	Subject string    `json:"subject"`
	Time    time.Time `json:"time"`
	Data    struct {
		Boot string        `json:"boot"`
		Up   time.Duration `json:"up"`
		remediate.Event
	} `json:"data"`
}

func (s *Site) hear(m *nats.Msg) {
	var c cloudEvent
	if err := remediate.DecodeJSON(m.Data, &c); err != nil {
		return // the story, which is asked for, would say the same as an error
	}
	e := c.Data.Event
	e.Type = remediate.EventType(strings.TrimPrefix(c.Type, "nightshift."))
	e.At = remediate.Instant{Wall: c.Time, Boot: c.Data.Boot, Up: c.Data.Up}
	if c.Subject != "_" { // the host's own
		e.Incident = remediate.ID(c.Subject)
	}
	select {
	case s.events <- e:
	case <-s.done:
	}
}

// Story asks the agent for all of an incident.
func (s *Site) Story(ctx context.Context, id remediate.ID) (oncall.Story, error) {
	var story oncall.Story
	err := s.ask(ctx, oncall.AskIncident, oncall.IncidentQuery{Incident: string(id)}, &story)
	return story, err
}

// Incidents asks the agent for the incidents that a filter chooses, the newest
// first.
func (s *Site) Incidents(ctx context.Context, filter oncall.Filter) ([]oncall.Summary, error) {
	var list []oncall.Summary
	err := s.ask(ctx, oncall.AskIncidents, filter, &list)
	return list, err
}

// Do says a verb to the agent as its operator.
func (s *Site) Do(ctx context.Context, verb string, r oncall.Request) (oncall.Reply, error) {
	client, err := s.operator()
	if err != nil {
		return oncall.Reply{}, err
	}
	defer client.Close()
	return client.Do(ctx, verb, r)
}

func (s *Site) ask(ctx context.Context, query string, question, answer any) error {
	client, err := s.operator()
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Ask(ctx, query, question, answer)
}

// operator is a connection of its own for each question: the agent may have been
// restarted in between.
func (s *Site) operator() (*oncall.Client, error) {
	return oncall.Connect(s.people, "operator", world.Hostname, s.Path(seedFile))
}

// AwaitIncident waits until the newest incident of a playbook is as wanted, and
// returns it.
func (s *Site) AwaitIncident(ctx context.Context, playbook string, wanted func(oncall.Summary) bool) (oncall.Summary, error) {
	var last oncall.Summary
	err := until(ctx, "an incident of "+playbook, func() (bool, error) {
		list, err := s.Incidents(ctx, oncall.Filter{Playbook: playbook, Limit: 1})
		if err != nil || len(list) == 0 {
			return false, err
		}
		last = list[0]
		return wanted(last), nil
	})
	return last, err
}
