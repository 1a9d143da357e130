package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

// connect reaches the agent of this host.
func connect(s agent.Settings) (*oncall.Client, error) {
	url, user, host, seed, err := agent.Operator(s)
	if err != nil {
		return nil, failure{statusConfig, err}
	}
	client, err := oncall.Connect(url, user, host, seed)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w; be in group nightshift (`sudo usermod -aG nightshift $USER`, then log in anew) or use sudo", err)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("no agent has run here yet: %w", err)
	}
	return client, err
}

// isDown reports whether an error says that no agent is there: none answers, or
// none ever made its key. A configuration that can't be read says nothing of it.
func isDown(err error) bool {
	return !errors.As(err, new(failure)) && (errors.Is(err, oncall.ErrUnreachable) || errors.Is(err, fs.ErrNotExist))
}

// do says a verb to the running agent.
func do(ctx context.Context, s agent.Settings, verb string, r oncall.Request) (oncall.Reply, error) {
	client, err := connect(s)
	if err != nil {
		return oncall.Reply{}, err
	}
	defer client.Close()
	return client.Do(ctx, verb, r)
}

// ask puts a query to the running agent.
func ask[T any](ctx context.Context, s agent.Settings, query string, question any) (T, error) {
	return asking(ctx, s, func(ctx context.Context, client *oncall.Client) (T, error) {
		var answer T
		err := client.Ask(ctx, query, question, &answer)
		return answer, err
	})
}

// asking calls f with a connection to the running agent.
func asking[T any](ctx context.Context, s agent.Settings, f func(context.Context, *oncall.Client) (T, error)) (T, error) {
	client, err := connect(s)
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
	answer, err := asking(ctx, s, running)
	if err == nil || !isDown(err) {
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
