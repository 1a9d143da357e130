package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/remediate/oncall"
)

func (c *cli) closeCommand() *cobra.Command {
	return c.verbCommand(oncall.Close, oncall.Filter{Open: true}, &cobra.Command{
		Use:   "close ID --comment TEXT",
		Short: "End an incident: nothing more is done about it",
	})
}

func (c *cli) resumeCommand() *cobra.Command {
	return c.verbCommand(oncall.Resume, oncall.Filter{Open: true, Outcome: "escalated"}, &cobra.Command{
		Use:   "resume ID --comment TEXT",
		Short: "Hand an escalated incident back to the agent, its attempts spent",
	})
}

// verbCommand is a command that says a verb of one incident; the filter chooses
// what is completed.
func (c *cli) verbCommand(verb string, filter oncall.Filter, command *cobra.Command) *cobra.Command {
	command.Args = cobra.ExactArgs(1)
	command.ValidArgsFunction = c.completeIncidents(filter)
	output, dryRun := addOutput(command), addDryRun(command)
	comment := command.Flags().StringP("comment", "m", "", "why, for those who read it later (needed)")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if strings.TrimSpace(*comment) == "" {
			return wrongUse("cannot %s an incident without a reason: add --comment \"…\"", verb)
		}
		request := oncall.Request{Incident: args[0], Comment: *comment}
		if *dryRun {
			return c.wouldSay(cmd.Context(), verb, request)
		}
		return c.sayVerb(cmd.Context(), verb, request, output.json())
	}
	return command
}

// sayVerb says a verb to the running agent and tells what it answered.
func (c *cli) sayVerb(ctx context.Context, verb string, r oncall.Request, json bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	reply, err := do(ctx, settings, verb, r)
	if isDown(err) {
		return fmt.Errorf("cannot %s: only a running agent can record that: %w", verb, err)
	}
	if err != nil {
		return err
	}
	return c.writeReply(reply, json)
}

func (c *cli) writeReply(reply oncall.Reply, json bool) error {
	if json {
		return writeJSON(c.out, reply)
	}
	newScreen(c.out).line(say(reply.Done))
	return nil
}

// wouldSay names the incident that a verb would be about.
func (c *cli) wouldSay(ctx context.Context, verb string, r oncall.Request) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	story, err := readStory(ctx, c, settings, oncall.IncidentQuery{Incident: r.Incident})
	if err != nil {
		return err
	}
	i := story.Incident
	newScreen(c.out).line(say(fmt.Sprintf("would %s incident %s, %s of %s, which is %s", verb, i.ID, i.Playbook.Name, i.Target, i.State)))
	return nil
}
