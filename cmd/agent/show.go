package main

import (
	"context"

	"github.com/spf13/cobra"

	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

func (c *cli) showCommand() *cobra.Command {
	command := &cobra.Command{
		Use:               "show ID",
		Short:             "Tell the story of one incident",
		Long:              "Tell the story of one incident: what came in, what the gates said, what was seen,\ndone and verified. Any unambiguous beginning of the ID will do.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completeIncidents(oncall.Filter{}, anyIncident),
	}
	output := addOutput(command)
	evidence := command.Flags().Bool("evidence", false, "show all of the evidence, not just its beginning")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		return c.show(cmd.Context(), oncall.IncidentQuery{Incident: args[0], Evidence: *evidence}, output.json())
	}
	return command
}

func (c *cli) show(ctx context.Context, q oncall.IncidentQuery, json bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	story, err := readStory(ctx, c, settings, q)
	if err != nil {
		return err
	}
	if json {
		return writeJSON(c.out, story)
	}
	tell(newScreen(c.out), story, q.Evidence, c.now())
	return nil
}

func readStory(ctx context.Context, c *cli, s agent.Settings, q oncall.IncidentQuery) (oncall.Story, error) {
	return read(ctx, c, s, oncall.AskIncident, q, func(ctx context.Context, state *agent.Reader) (oncall.Story, error) {
		return oncall.Tell(ctx, state, q)
	})
}
