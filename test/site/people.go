package site

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// seedFile is the operator's key in the agent's state directory.
const seedFile = "/var/lib/nightshift/operator.nk"

// listen subscribes to the agent's events.
func (s *Site) listen() error {
	url, err := s.PeopleURL()
	if err != nil {
		return err
	}
	identity, err := nats.NkeyOptionFromSeed(s.Path(seedFile))
	if err != nil {
		return fmt.Errorf("cannot use the operator's key: %w", err)
	}
	s.conn, err = nats.Connect(url, identity, nats.MaxReconnects(-1), nats.ReconnectWait(poll))
	if err != nil {
		return fmt.Errorf("cannot listen to the agent: %w", err)
	}
	if _, err := s.conn.Subscribe("nightshift.events."+s.Name+".>", s.hear); err != nil {
		return fmt.Errorf("cannot listen to the agent: %w", err)
	}
	return s.conn.Flush()
}

// Person is an operator's connection of its own, for whoever closes it.
func (s *Site) Person() (*oncall.Client, error) {
	url, err := s.PeopleURL()
	if err != nil {
		return nil, err
	}
	return oncall.Connect(url, "operator", s.Name, s.Path(seedFile))
}

// PeopleURL is where people find the agent from the machine that runs the site.
func (s *Site) PeopleURL() (string, error) {
	address, err := s.Forward(people)
	return "nats://" + address, err
}

// Events are the agent's events from the start of the site on, as people are told
// of them: each is stored before. It is one queue for all who read it, and does not
// hold what the agent says just when its connections break.
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
		fmt.Fprintln(s.log, "site: cannot understand the agent:", err)
		return
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
