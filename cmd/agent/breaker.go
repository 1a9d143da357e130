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

func (c *cli) breakerCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "breaker",
		Short: "Look at the breakers that stop the acting after failures, and close them",
		Long: "Look at the breakers that stop the acting on one thing, or by one playbook, after failures in a row. An open\n" +
			"one stays open until a person closes it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(c.breakerListCommand(), c.breakerCloseCommand())
	return command
}

func (c *cli) breakerListCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "list",
		Short: "List the breakers that are open",
		Args:  cobra.NoArgs,
	}
	output := addOutput(command)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		breakers, err := c.readBreakers(cmd.Context())
		if err != nil {
			return err
		}
		if output.json() {
			return writeJSON(c.out, breakers)
		}
		if len(breakers) == 0 {
			fmt.Fprintln(c.err, "no breaker is open")
			return nil
		}
		breakerTable(breakers).write(newScreen(c.out))
		return nil
	}
	return command
}

// readBreakers are those that are open, the newest first.
func (c *cli) readBreakers(ctx context.Context) ([]remediate.Breaker, error) {
	settings, err := c.settings()
	if err != nil {
		return nil, err
	}
	breakers, err := read(ctx, c, settings, oncall.AskBreakers, nil, func(_ context.Context, state *agent.Reader) ([]remediate.Breaker, error) {
		return state.Breakers(), nil
	})
	slices.SortFunc(breakers, func(a, b remediate.Breaker) int { return b.At.Wall.Compare(a.At.Wall) })
	return breakers, err
}

func breakerTable(breakers []remediate.Breaker) *table {
	t := &table{head: []string{"BREAKER", "OPEN SINCE", "INCIDENT", "WHY"}}
	for _, b := range breakers {
		t.add(in(bold, string(b.Key())), say(moment(b.At.Wall)), say(orDash(string(b.Incident))), say(oneLine(b.Why)))
	}
	return t
}

func (c *cli) breakerCloseCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "close BREAKER --comment TEXT",
		Short: "Close a breaker: what failed before counts no more",
		Long: "Close a breaker: the agent may act there again, and what failed before counts no more. Its name is what the\n" +
			"list says: unit:grafana.service, or playbook:high-memory.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completeBreakers,
	}
	comment := command.Flags().StringP("comment", "m", "", "why, for those who read it later (needed)")
	output, dryRun := addOutput(command), addDryRun(command)
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if strings.TrimSpace(*comment) == "" {
			return wrongUse("cannot close a breaker without a reason: add --comment \"…\"")
		}
		key := remediate.BreakerKey(args[0])
		if *dryRun {
			return c.wouldClose(cmd.Context(), key)
		}
		return c.sayVerb(cmd.Context(), oncall.Breaker, oncall.Request{Breaker: key, Comment: *comment}, output.json())
	}
	return command
}

// wouldClose says why a breaker is open.
func (c *cli) wouldClose(ctx context.Context, key remediate.BreakerKey) error {
	breakers, err := c.readBreakers(ctx)
	if err != nil {
		return err
	}
	n := slices.IndexFunc(breakers, func(b remediate.Breaker) bool { return b.Key() == key })
	if n < 0 {
		return fmt.Errorf("cannot close breaker %s: it is not open; see: nightshift breaker list", remediate.Printable(string(key)))
	}
	b := breakers[n]
	newScreen(c.out).line(say(fmt.Sprintf("would close breaker %s, open since %s: %s", key, moment(b.At.Wall), oneLine(b.Why))))
	return nil
}

// completeBreakers offers those that are open, with why.
func (c *cli) completeBreakers(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var offered []cobra.Completion
	for _, b := range whileTyping[[]remediate.Breaker](cmd.Context(), c, oncall.AskBreakers, nil) {
		offered = append(offered, cobra.CompletionWithDesc(string(b.Key()), remediate.Printable(oneLine(b.Why))))
	}
	return offered, cobra.ShellCompDirectiveNoFileComp
}
