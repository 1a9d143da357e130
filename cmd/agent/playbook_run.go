package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

func (c *cli) playbookRunCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "run NAME",
		Short: "Start a playbook without an alert, and follow it to its end",
		Long: "Start a playbook without an alert, and follow it to its end. What it would do, with what that takes along, and\n" +
			"what each gate says is shown first. It is an incident like any other: the same gates, approvals and record. One\n" +
			"whose target comes from a label of an alert is started by alerts alone.",
		Example:           "  nightshift playbook run webhook-rotated --target unit:nginx.service",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completePlaybooks,
	}
	var flags orderFlags
	flags.anyRung = true
	output, dryRun := addOutput(command), addDryRun(command)
	target := command.Flags().String("target", "", "what it is to be about, where the playbook leaves that to you: unit:NAME, vm:NAME or host:NAME")
	mustComplete(command, "target", cobra.NoFileCompletions)
	command.Flags().StringVarP(&flags.comment, "comment", "m", "", "why, for those who read it later")
	command.Flags().BoolVarP(&flags.yes, "yes", "y", false, "do not ask: start it, and approve whatever has to be approved on the way, as it is shown")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		flags.json, flags.dryRun = output.json(), *dryRun
		about, err := remediate.ParseTarget(*target)
		if err != nil {
			return wrongUse("%s", err)
		}
		return c.runPlaybook(cmd.Context(), oncall.Order{Playbook: args[0], Target: about, Comment: flags.comment}, flags)
	}
	return command
}

// runPlaybook shows what a playbook would do, asks, and has it done.
func (c *cli) runPlaybook(ctx context.Context, o oncall.Order, flags orderFlags) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	switch {
	case flags.dryRun:
		return c.foresee(ctx, settings, o, flags.json)
	case !flags.yes:
		if err := c.agree(ctx, settings, o); err != nil {
			return err
		}
	}
	return c.follow(ctx, settings, oncall.Run, o, flags)
}

// agree asks the person at the terminal whether what is shown is to be done.
func (c *cli) agree(ctx context.Context, s agent.Settings, o oncall.Order) error {
	if !c.canAsk() {
		return wrongUse("cannot start %s without being asked: add --yes, or --dry-run to see what it would do", o.Playbook)
	}
	x, err := c.foreseen(ctx, s, o)
	if err != nil {
		return err
	}
	tellForeseen(newScreen(c.err), x, c.now())
	if !c.asks(ctx, "Start it?") {
		return errors.New("not started: nothing was done")
	}
	return nil
}
