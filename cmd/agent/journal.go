package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

func (c *cli) journalCommand() *cobra.Command {
	var from since
	command := &cobra.Command{
		Use:   "journal",
		Short: "Print the events of the log, one JSON object a line",
		Long: "Print the events of the log as they are stored, one JSON object a line, oldest first: CloudEvents 1.0.\n" +
			"The subject is the incident, or _ for the host itself.",
		Args: cobra.NoArgs,
	}
	incident := command.Flags().String("incident", "", "only those of this incident")
	follow := command.Flags().Bool("follow", false, "go on with what comes, until interrupted; --incident wants a whole ID then")
	command.Flags().Var(&from, "since", "only those since then: 7d, or 2026-08-01T14:00")
	mustComplete(command, "incident", c.completeIncidents(oncall.Filter{}, anyIncident))
	mustComplete(command, "since", cobra.NoFileCompletions)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.printEvents(cmd.Context(), oncall.EventsQuery{Incident: *incident, Since: from.before(c.now())}, *follow)
	}
	command.AddCommand(c.verifyCommand(), c.acceptCommand())
	return command
}

// printEvents prints the events that q wants, and then, if it is to follow, those
// that come.
func (c *cli) printEvents(ctx context.Context, q oncall.EventsQuery, follow bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	if follow {
		return c.followEvents(ctx, settings, q)
	}
	_, err = readBy(ctx, c, settings, func(ctx context.Context, client *oncall.Client) (bool, error) {
		return true, c.printPages(ctx, q, pagesOf(client))
	}, func(ctx context.Context, state *agent.Reader) (bool, error) {
		return true, c.printPages(ctx, q, func(ctx context.Context, q oncall.EventsQuery) (oncall.EventsPage, error) {
			return oncall.Page(ctx, state, q)
		})
	})
	return err
}

// pages reads one page of events.
type pages func(context.Context, oncall.EventsQuery) (oncall.EventsPage, error)

// pagesOf are the running agent's.
func pagesOf(client *oncall.Client) pages {
	return func(ctx context.Context, q oncall.EventsQuery) (page oncall.EventsPage, err error) {
		err = client.Ask(ctx, oncall.AskEvents, q, &page)
		return page, err
	}
}

// printPages prints one page after the other.
func (c *cli) printPages(ctx context.Context, q oncall.EventsQuery, read pages) error {
	return eachStored(ctx, q, read, c.printEvent)
}

// eachStored calls f with each event that q wants, page by page.
func eachStored(ctx context.Context, q oncall.EventsQuery, read pages, f func(stored []byte) error) error {
	for next := &q; next != nil; {
		page, err := read(ctx, *next)
		if err != nil {
			return err
		}
		for _, event := range page.Events {
			if err := f(event); err != nil {
				return err
			}
		}
		next = page.Next
	}
	return nil
}

// printEvent prints one event as it is stored: one line of JSON.
func (c *cli) printEvent(stored []byte) error {
	_, err := c.out.Write(append(slices.Clone(stored), '\n'))
	return err
}

// followEvents prints what comes, after what is there; only a running agent can be
// followed.
func (c *cli) followEvents(ctx context.Context, s agent.Settings, q oncall.EventsQuery) error {
	client, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := c.printPages(ctx, q, pagesOf(client)); err != nil {
		return err
	}
	return client.Follow(ctx, remediate.ID(strings.ToUpper(q.Incident)), func(stored []byte) { _ = c.printEvent(stored) })
}

func (c *cli) verifyCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "verify",
		Short: "Walk the whole log and say whether it is whole: exit status 1 when it is not",
		Args:  cobra.NoArgs,
	}
	output := addOutput(command)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.verifyJournal(cmd.Context(), output.json())
	}
	return command
}

func (c *cli) verifyJournal(ctx context.Context, json bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	health, err := read(ctx, c, settings, oncall.AskVerify, nil, func(ctx context.Context, state *agent.Reader) (oncall.Health, error) {
		return state.Verify(ctx)
	})
	if err != nil {
		return err
	}
	if json {
		err = writeJSON(c.out, health)
	} else {
		tellHealth(newScreen(c.out), health)
	}
	if err == nil && len(health.Damage) > 0 {
		return failure{status: statusFailed}
	}
	return err
}

func tellHealth(s screen, h oncall.Health) {
	s.line(say(fmt.Sprintf("epoch %s: %s, %d to %d", orDash(h.Epoch), count(int(h.Events), "event"), h.First, h.Last)))
	if len(h.Damage) == 0 {
		s.line(in(green, "the log is whole"))
		return
	}
	for _, damage := range h.Damage {
		s.line(in(red, "damaged: "), say(oneLine(damage)))
	}
	s.line(say("All acting is frozen. `nightshift journal accept --reason …` goes on from what the log holds."))
}

func (c *cli) acceptCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "accept --reason TEXT",
		Short: "Take what a damaged log holds as the new base; the agent stays frozen",
		Args:  cobra.NoArgs,
	}
	reason := command.Flags().String("reason", "", "why, for those who read it later (needed)")
	output, dryRun := addOutput(command), addDryRun(command)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		if strings.TrimSpace(*reason) == "" {
			return wrongUse("cannot accept the journal without a reason: add --reason \"…\"")
		}
		if *dryRun {
			newScreen(c.out).line(say("would begin a new epoch from what the log holds; this is what is wrong with it:"))
			return c.verifyJournal(cmd.Context(), false)
		}
		return c.sayVerb(cmd.Context(), oncall.Accept, oncall.Request{Comment: *reason}, output.json())
	}
	return command
}
