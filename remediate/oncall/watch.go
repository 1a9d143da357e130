package oncall

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"nightshift/remediate"
)

// Seen is one thing that [Client.Watch] heard: an event as it is stored, or a
// notification.
type Seen struct {
	Event        []byte
	Notification *Notification
}

// Watch calls f with each event and each notification from now on, until ctx ends or
// the connection is lost; that is [ErrUnreachable]. ready is called once nothing is
// missed any more: what is asked for after it, and what f is called with, leave no gap.
// f must not take long.
func (c *Client) Watch(ctx context.Context, ready func() error, f func(Seen)) error {
	heard := make(chan *nats.Msg, followed)
	for _, subject := range []string{"nightshift.events." + c.host + ".*", "nightshift.notify." + c.host + ".*"} {
		sub, err := c.conn.ChanSubscribe(subject, heard)
		if err != nil {
			return c.unreachable(err)
		}
		defer func() { _ = sub.Unsubscribe() }() // it fails only on a closed connection
	}
	lost := c.conn.StatusChanged(nats.CLOSED, nats.DISCONNECTED)
	if err := c.conn.FlushTimeout(heardWithin); err != nil {
		return c.unreachable(err)
	}
	if err := ready(); err != nil {
		return err
	}
	for {
		select {
		case m := <-heard:
			if seen, ok := seenIn(m); ok {
				f(seen)
			}
		case <-lost:
			return c.unreachable(errors.New("the connection was lost"))
		case <-ctx.Done():
			return nil
		}
	}
}

// seenIn reads a message; what is no notification that this program knows is left out.
func seenIn(m *nats.Msg) (Seen, bool) {
	if strings.HasPrefix(m.Subject, "nightshift.events.") {
		return Seen{Event: m.Data}, true
	}
	var n Notification
	if err := remediate.DecodeJSON(m.Data, &n); err != nil {
		return Seen{}, false
	}
	return Seen{Notification: &n}, true
}

// Hosts are the names of the hosts whose agents answer here, by the metadata of their
// service: for a person who did not say which is meant.
func (c *Client) Hosts(ctx context.Context) ([]string, error) {
	inbox := nats.NewInbox()
	sub, err := c.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, c.unreachable(err)
	}
	defer func() { _ = sub.Unsubscribe() }() // it fails only on a closed connection
	if err := c.conn.PublishRequest("$SRV.PING.nightshift", inbox, nil); err != nil {
		return nil, c.unreachable(err)
	}
	ctx, cancel := context.WithTimeout(ctx, hostsAnswer)
	defer cancel()
	var hosts []string
	for {
		m, err := sub.NextMsgWithContext(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			slices.Sort(hosts)
			return slices.Compact(hosts), nil
		case err != nil:
			return nil, fmt.Errorf("cannot ask which hosts there are: %w", err)
		}
		var pong struct {
			Metadata map[string]string `json:"metadata"`
		}
		if err := remediate.DecodeJSON(m.Data, &pong); err == nil && pong.Metadata["host"] != "" {
			hosts = append(hosts, pong.Metadata["host"])
		}
	}
}

// hostsAnswer is how long agents have to say that they are there: as long as the nats
// client waits for services by itself.
const hostsAnswer = 500 * time.Millisecond
