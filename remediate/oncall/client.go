package oncall

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"nightshift/remediate"
)

// Client is a person's side.
type Client struct {
	conn       *nats.Conn
	user, host string
}

// ErrUnreachable says that no agent answers.
var ErrUnreachable = errors.New("the agent does not answer")

// Connect reaches a host's agent as a user, whose seed lies in seedFile.
func Connect(url, user, host, seedFile string) (*Client, error) {
	identity, err := nats.NkeyOptionFromSeed(seedFile)
	if err != nil {
		return nil, fmt.Errorf("cannot use the key %s: %w", seedFile, err)
	}
	conn, err := nats.Connect(url, identity, nats.Name("nightshift "+user), nats.Timeout(2*time.Second), nats.NoReconnect())
	if errors.Is(err, nats.ErrAuthorization) {
		return nil, fmt.Errorf("cannot connect to %s: the agent does not know the key in %s", url, seedFile)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot connect to %s: %w (%w)", url, ErrUnreachable, err)
	}
	return &Client{conn: conn, user: user, host: host}, nil
}

// Close ends the connection.
func (c *Client) Close() { c.conn.Close() }

// Do says a verb and waits for the answer. An error is the agent's refusal, or
// [ErrUnreachable].
func (c *Client) Do(ctx context.Context, verb string, r Request) (Reply, error) {
	var reply Reply
	text, err := remediate.EncodeJSON(r)
	if err != nil {
		return reply, err
	}
	m, err := c.conn.RequestWithContext(ctx, doSubject(c.user, c.host, verb), text)
	if err != nil {
		return reply, c.unreachable(err)
	}
	if err := remediate.DecodeJSON(m.Data, &reply); err != nil {
		return reply, err
	}
	if reply.Error != "" {
		return reply, errors.New(reply.Error)
	}
	return reply, nil
}

// Ask puts a query and reads the answer into value.
func (c *Client) Ask(ctx context.Context, query string, question, value any) error {
	text, err := remediate.EncodeJSON(question)
	if err != nil {
		return err
	}
	m, err := c.conn.RequestWithContext(ctx, askSubject(c.host, query), text)
	if err != nil {
		return c.unreachable(err)
	}
	if problem := m.Header.Get(micro.ErrorHeader); problem != "" {
		return errors.New(problem)
	}
	return remediate.DecodeJSON(m.Data, value)
}

// Follow calls f with each event from now on, as it is stored, until ctx ends: of
// one incident, or of all and the host if id is empty. f must not take long.
func (c *Client) Follow(ctx context.Context, id remediate.ID, f func(stored []byte)) error {
	subject := "nightshift.events." + c.host + ".*"
	if id != "" {
		subject = "nightshift.events." + c.host + "." + string(id)
	}
	events := make(chan *nats.Msg, followed)
	sub, err := c.conn.ChanSubscribe(subject, events)
	if err != nil {
		return c.unreachable(err)
	}
	defer func() { _ = sub.Unsubscribe() }() // it fails only on a closed connection
	lost := c.conn.StatusChanged(nats.CLOSED, nats.DISCONNECTED)
	for {
		select {
		case m := <-events:
			f(m.Data)
		case <-lost:
			return c.unreachable(errors.New("the connection was lost"))
		case <-ctx.Done():
			return nil
		}
	}
}

// followed is how many events may wait for a slow reader; more are dropped, as NATS
// does with slow consumers.
const followed = 4096

func (c *Client) unreachable(err error) error {
	return fmt.Errorf("cannot ask %s at %s: %w (%w)", c.host, c.conn.ConnectedUrlRedacted(), ErrUnreachable, err)
}
