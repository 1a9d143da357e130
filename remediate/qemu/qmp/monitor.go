package qmp

import (
	"context"
	stdjson "encoding/json"
	"fmt"

	"github.com/digitalocean/go-qemu/qmp"
	"github.com/go-json-experiment/json" // refuses a name twice, and names in another case
)

var _ qmp.Monitor = (*Client)(nil)

// Connect connects if there is no connection; calls do so by themselves. It takes
// at most [Options.Timeout].
func (c *Client) Connect() error {
	_, err := c.Session(context.Background())
	return err
}

// Disconnect lets go of the socket, so that somebody else can have it; calls under
// way fail. The next use connects again.
func (c *Client) Disconnect() error {
	c.letGo()
	return nil
}

// Run does one command that is written as JSON, with [Options.Timeout], and returns
// QEMU's answer as JSON with the id that the command had, if it had one. A refusal
// of QEMU is an error: an [Error].
func (c *Client) Run(line []byte) ([]byte, error) {
	asked, err := parse(line)
	if err != nil {
		return nil, err
	}
	value, err := c.do(context.Background(), asked.Execute, asked.Arguments)
	if err != nil {
		return nil, err
	}
	return stdjson.Marshal(reply{Return: value, ID: asked.ID})
}

// Events are those of the connection that there is, or of a new one, until ctx ends
// or that connection is gone: the channel is closed then. A reader that is behind
// loses the oldest; [Conn.Subscribe] counts them.
func (c *Client) Events(ctx context.Context) (<-chan qmp.Event, error) {
	conn, err := c.Session(ctx)
	if err != nil {
		return nil, err
	}
	return conn.Subscribe(ctx).Events(), nil
}

// request is a command in the form that callers of Run write.
type request struct {
	Execute   string             `json:"execute"`
	Arguments stdjson.RawMessage `json:"arguments"`
	ID        stdjson.RawMessage `json:"id"`
}

type reply struct {
	Return stdjson.RawMessage `json:"return"`
	ID     stdjson.RawMessage `json:"id,omitempty"`
}

// parse reads a command strictly: what the list does not see must not be sent.
func parse(line []byte) (request, error) {
	var r request
	if err := json.Unmarshal(line, &r, json.RejectUnknownMembers(true)); err != nil {
		return request{}, fmt.Errorf("cannot read the command, which is one object of execute, arguments and id: %w", err)
	}
	return r, nil
}
