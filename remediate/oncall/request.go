package oncall

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// answeredWithin bounds the wait for an answer: a little longer than the agent works
// on any request.
const answeredWithin = requestTimeout + 5*time.Second

// request publishes a request and waits for the answer. The server says nothing to
// who may not publish on a subject but an error beside it, and the answer would be
// waited for in vain: so once the server has read the request, that error is looked
// for.
func (c *Client) request(ctx context.Context, subject string, body []byte) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, answeredWithin)
	defer cancel()
	answer := c.conn.NewInbox()
	sub, err := c.conn.SubscribeSync(answer)
	if err != nil {
		return nil, c.unreachable(err)
	}
	defer func() { _ = sub.Unsubscribe() }() // it fails only on a closed connection
	if err := c.conn.PublishRequest(subject, answer, body); err != nil {
		return nil, c.unreachable(err)
	}
	if err := c.conn.FlushWithContext(ctx); err != nil {
		return nil, c.unreachable(err)
	}
	if err := c.conn.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		return nil, fmt.Errorf("cannot speak as %s to %s: the server does not let the key in %s; say who you are with --user, by your name in `people`", c.user, c.host, c.seedFile)
	}
	m, err := sub.NextMsgWithContext(ctx)
	switch {
	case err != nil:
		return nil, c.unreachable(err)
	case len(m.Data) == 0 && m.Header.Get("Status") == noResponders:
		return nil, c.unreachable(nats.ErrNoResponders)
	}
	return m, nil
}

// noResponders is the status by which the server answers for a subject that nobody
// listens to: NATS ADR-4.
const noResponders = "503"
