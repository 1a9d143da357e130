package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

// isDown reports whether an error says that this host's agent is not there: none
// answers, or none ever made its key. A configuration that can't be read says nothing
// of it, and nothing of this machine stands in for an agent elsewhere.
func (c *cli) isDown(err error) bool {
	return !c.access.elsewhere() && !errors.As(err, new(failure)) && (errors.Is(err, oncall.ErrUnreachable) || c.noKeyYet(err))
}

// noKeyYet reports whether the operator's key is not there; another key that is not
// there is a mistake.
func (c *cli) noKeyYet(err error) bool { return c.access.key == "" && errors.Is(err, fs.ErrNotExist) }

// do says a verb to the running agent.
func (c *cli) do(ctx context.Context, s agent.Settings, verb string, r oncall.Request) (oncall.Reply, error) {
	return asking(ctx, c, s, func(ctx context.Context, client *oncall.Client) (oncall.Reply, error) {
		return client.Do(ctx, verb, r)
	})
}

// ask puts a query to the running agent.
func ask[T any](ctx context.Context, c *cli, s agent.Settings, query string, question any) (T, error) {
	return asking(ctx, c, s, func(ctx context.Context, client *oncall.Client) (T, error) {
		var answer T
		err := client.Ask(ctx, query, question, &answer)
		return answer, err
	})
}

// asking calls f with a connection to the running agent.
func asking[T any](ctx context.Context, c *cli, s agent.Settings, f func(context.Context, *oncall.Client) (T, error)) (T, error) {
	client, err := c.connect(ctx, s)
	if err != nil {
		var none T
		return none, err
	}
	defer client.Close()
	return f(ctx, client)
}

// read has a query answered by the running agent, or else by the state that it
// left, and says so.
func read[T any](ctx context.Context, c *cli, s agent.Settings, query string, question any,
	state func(context.Context, *agent.Reader) (T, error)) (T, error) {
	return readBy(ctx, c, s, func(ctx context.Context, client *oncall.Client) (T, error) {
		var answer T
		err := client.Ask(ctx, query, question, &answer)
		return answer, err
	}, state)
}

// readBy reads from the running agent, or else from the state that it left.
func readBy[T any](ctx context.Context, c *cli, s agent.Settings, running func(context.Context, *oncall.Client) (T, error),
	state func(context.Context, *agent.Reader) (T, error)) (T, error) {
	answer, err := asking(ctx, c, s, running)
	if err == nil || !c.isDown(err) {
		return answer, err
	}
	reader, unread := agent.OpenReadOnly(ctx, s)
	if unread != nil {
		return answer, fmt.Errorf("%w; and its state can't be read either: %w", err, unread)
	}
	c.sayDown("this is what its state in " + s.StateDir + " says")
	answer, err = state(ctx, reader)
	return answer, errors.Join(err, reader.Close())
}

// sayDown says that no agent answers, and what happens instead.
func (c *cli) sayDown(instead string) {
	fmt.Fprintln(c.err, "nightshift: the agent does not answer; "+instead)
}
