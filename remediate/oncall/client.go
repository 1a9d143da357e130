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

func (c *Client) unreachable(err error) error {
	return fmt.Errorf("cannot ask %s at %s: %w (%w)", c.host, c.conn.ConnectedUrlRedacted(), ErrUnreachable, err)
}
