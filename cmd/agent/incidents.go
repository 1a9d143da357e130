package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"nightshift/playbooks"
	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

func (c *cli) incidentsCommand() *cobra.Command {
	var filter oncall.Filter
	var from since
	outcome := choice{choices: stateNames()}
	command := &cobra.Command{
		Use:   "incidents",
		Short: "List incidents, the newest first",
		Args:  cobra.NoArgs,
	}
	output := addOutput(command)
	flags := command.Flags()
	flags.BoolVar(&filter.Open, "open", false, "only those that are not over")
	flags.Var(&from, "since", "only those opened since then: 7d, or 2026-08-01T14:00")
	flags.StringVar(&filter.Target, "target", "", "only those about this target: unit:nginx.service, or its name alone")
	flags.StringVar(&filter.Playbook, "playbook", "", "only those of this playbook")
	addChoice(command, &outcome, "outcome", "", "only those that are in this state or ended so")
	flags.IntVar(&filter.Limit, "limit", oncall.DefaultLimit, "at most so many")
	mustComplete(command, "playbook", cobra.FixedCompletions(playbooks.Names(), cobra.ShellCompDirectiveNoFileComp))
	mustComplete(command, "target", c.completeTargets)
	mustComplete(command, "since", cobra.NoFileCompletions)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		if filter.Limit < 1 {
			return wrongUse("cannot use --limit=%d: expected 1 or more", filter.Limit)
		}
		filter.Since, filter.Outcome = from.before(c.now()), outcome.value
		return c.listIncidents(cmd.Context(), filter, output.json())
	}
	return command
}

func stateNames() []string {
	var names []string
	for _, states := range [][]remediate.State{remediate.LiveStates, remediate.EndedStates} {
		for _, state := range states {
			names = append(names, string(state))
		}
	}
	return names
}

func (c *cli) listIncidents(ctx context.Context, filter oncall.Filter, json bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	incidents, err := readIncidents(ctx, c, settings, filter)
	if err != nil {
		return err
	}
	if json {
		return writeJSON(c.out, incidents)
	}
	if len(incidents) == 0 {
		fmt.Fprintln(c.err, "no incidents")
		return nil
	}
	incidentTable(incidents, c.now()).write(newScreen(c.out))
	return nil
}

func readIncidents(ctx context.Context, c *cli, s agent.Settings, filter oncall.Filter) ([]oncall.Summary, error) {
	return read(ctx, c, s, oncall.AskIncidents, filter, func(ctx context.Context, state *agent.Reader) ([]oncall.Summary, error) {
		return oncall.Incidents(ctx, state, filter)
	})
}
