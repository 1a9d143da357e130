package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/remediate/agent"
)

func (c *cli) limitCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "limit",
		Short: "Look at the limits of units on this host, and as root set them or take them back",
		Long: "Look at what units of this host may use for now, by a profile of the inventory. The agent has limits set\n" +
			"and taken back by units of root's, which run apply and undo.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(c.limitListCommand(), c.limitApplyCommand(), c.limitUndoCommand())
	return command
}

func (c *cli) limitListCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "list",
		Short: "List the units that have limits now, and until when",
		Args:  cobra.NoArgs,
	}
	output := addOutput(command)
	command.RunE = func(*cobra.Command, []string) error {
		limited, err := agent.Limited(agent.LimitDir)
		if err != nil {
			return err
		}
		if output.json() {
			return writeJSON(c.out, limited)
		}
		if len(limited) == 0 {
			fmt.Fprintln(c.err, "no unit has limits of a profile")
			return nil
		}
		t := &table{head: []string{"UNIT", "PROFILE", "UNTIL", "LIMITS"}}
		for _, l := range limited {
			t.add(in(bold, l.Unit), say(l.Profile), say(moment(l.Until)), say(strings.Join(l.Limits, ", ")))
		}
		t.write(newScreen(c.out))
		return nil
	}
	return command
}

func (c *cli) limitApplyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "apply PROFILE:UNIT",
		Short: "Give a unit the limits that a profile has for it, for the profile's time",
		Long: "Give a unit the limits that a profile of the inventory has for it, until they are taken back or the profile's\n" +
			"time is over, whoever is alive then. What the unit uses is read first: memory is refused that is less than\n" +
			"1.25 times that. It is what nightshift-limit@PROFILE:UNIT.service runs as root.",
		Example: "  sudo nightshift limit apply safe:grafana.service",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.limit(args[0], "limit", func(profile, unit, run string) error {
				settings, err := c.settings()
				if err != nil {
					return errors.Join(err, agent.RefuseLimits(agent.LimitDir, unit, run, err))
				}
				return agent.ApplyLimits(cmd.Context(), settings, agent.LimitDir, profile, unit, run)
			})
		},
	}
}

func (c *cli) limitUndoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "undo PROFILE:UNIT",
		Short: "Give a unit back what it had before a profile's limits",
		Long: "Give a unit back what it had before a profile's limits; what somebody else has set since stays. It needs no\n" +
			"inventory. It is what nightshift-unlimit@PROFILE:UNIT.service runs as root, also when the time is over.",
		Example: "  sudo nightshift limit undo safe:grafana.service",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.limit(args[0], "take back limits of", func(profile, unit, run string) error {
				return agent.UndoLimits(context.WithoutCancel(cmd.Context()), agent.LimitDir, profile, unit, run)
			})
		},
	}
}

// limit does one thing with a unit and says what became of it.
func (c *cli) limit(instance, what string, do func(profile, unit, run string) error) error {
	profile, unit, ok := strings.Cut(instance, ":")
	if !ok || profile == "" || unit == "" {
		return wrongUse("cannot %s %q: expected PROFILE:UNIT, like safe:grafana.service", what, instance)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("cannot %s %s: only root may; run it as root", what, unit)
	}
	// systemd.exec(5) names the run; one by hand is told apart by its time.
	run := cmp.Or(os.Getenv("INVOCATION_ID"), c.now().UTC().Format("20060102T150405.000000000Z"))
	if err := do(profile, unit, run); err != nil {
		return err
	}
	detail, err := agent.LimitSaid(agent.LimitDir, unit)
	if err != nil {
		return err
	}
	newScreen(c.out).line(say(unit + ": " + detail))
	return nil
}
