package oncall

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/nats-io/nkeys"

	"nightshift/remediate"
)

// Client is a person's side.
type Client struct {
	conn       *nats.Conn
	user, host string
	// seedFile holds the person's key. It is read when something is to be signed,
	// and what was read does not outlive that.
	seedFile string
}

// ErrUnreachable says that no agent answers.
var ErrUnreachable = errors.New("the agent does not answer")

// Connect reaches a host's agent as a user, whose seed lies in seedFile. Options are
// those that another machine needs, such as the authority of the server's certificate.
func Connect(url, user, host, seedFile string, options ...nats.Option) (*Client, error) {
	identity, err := nats.NkeyOptionFromSeed(seedFile)
	if err != nil {
		return nil, fmt.Errorf("cannot use the key %s: %w", seedFile, err)
	}
	options = append(options, identity, nats.Name("nightshift "+user), nats.Timeout(2*time.Second), nats.NoReconnect())
	conn, err := nats.Connect(url, options...)
	if errors.Is(err, nats.ErrAuthorization) {
		return nil, fmt.Errorf("cannot connect to %s: the agent does not know the key in %s", url, seedFile)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot connect to %s: %w (%w)", url, ErrUnreachable, err)
	}
	return &Client{conn: conn, user: user, host: host, seedFile: seedFile}, nil
}

// Close ends the connection.
func (c *Client) Close() { c.conn.Close() }

// Do says a verb and waits for the answer. It is signed where it has to be; the
// seed never leaves this process. An error is the agent's refusal, or
// [ErrUnreachable].
func (c *Client) Do(ctx context.Context, verb string, r Request) (Reply, error) {
	var reply Reply
	if NeedsSignature(verb) {
		var err error
		if r, err = c.signed(ctx, verb, r); err != nil {
			return reply, err
		}
	}
	text, err := remediate.EncodeJSON(r)
	if err != nil {
		return reply, err
	}
	m, err := c.request(ctx, doSubject(c.user, c.host, verb), text)
	if err != nil {
		return reply, err
	}
	if err := remediate.DecodeJSON(m.Data, &reply); err != nil {
		return reply, err
	}
	if reply.Error != "" {
		return reply, errors.New(reply.Error)
	}
	return reply, nil
}

// signed is the request with this person's signature, about one incident by its
// whole ID.
func (c *Client) signed(ctx context.Context, verb string, r Request) (Request, error) {
	if r.Incident != "" && !wholeID(r.Incident) {
		id, err := c.find(ctx, r.Incident)
		if err != nil {
			return r, err
		}
		r.Incident = string(id)
	}
	r.Comment = strings.ToValidUTF8(r.Comment, "\uFFFD")
	seed, err := os.ReadFile(c.seedFile)
	if err != nil {
		return r, fmt.Errorf("cannot sign with the key %s: %w", c.seedFile, err)
	}
	defer clear(seed)
	key, err := nkeys.ParseDecoratedNKey(seed)
	if err != nil {
		return r, fmt.Errorf("cannot sign with the key %s: expected the seed of a user (SU…)", c.seedFile)
	}
	defer key.Wipe()
	return sign(key, verb, c.host, c.user, r, time.Now())
}

// find is the one incident whose ID begins so: of those that are not over, else of
// all.
func (c *Client) find(ctx context.Context, prefix string) (remediate.ID, error) {
	start, err := remediate.ParseIDPrefix(prefix)
	if err != nil {
		return "", err
	}
	var open []Summary
	if err := c.Ask(ctx, AskIncidents, Filter{Open: true}, &open); err != nil {
		return "", err
	}
	open = slices.DeleteFunc(open, func(s Summary) bool { return !strings.HasPrefix(string(s.ID), start) })
	switch len(open) {
	case 0:
		var story Story
		err := c.Ask(ctx, AskIncident, IncidentQuery{Incident: start}, &story)
		return story.Incident.ID, err
	case 1:
		return open[0].ID, nil
	}
	return "", fmt.Errorf("cannot tell which incident %s is: %d begin so", start, len(open))
}

// Ask puts a query and reads the answer into value.
func (c *Client) Ask(ctx context.Context, query string, question, value any) error {
	text, err := remediate.EncodeJSON(question)
	if err != nil {
		return err
	}
	m, err := c.request(ctx, askSubject(c.host, query), text)
	if err != nil {
		return err
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
