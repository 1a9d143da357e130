package main

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

func (c *cli) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print what makes a shell complete commands, incidents and names",
		Example: "  source <(nightshift completion bash)\n" +
			"  nightshift completion zsh > \"${fpath[1]}/_nightshift\"\n" +
			"  nightshift completion fish > ~/.config/fish/completions/nightshift.fish",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			return writeCompletion(cmd.Root(), args[0], c.out)
		},
	}
}

func writeCompletion(root *cobra.Command, shell string, w io.Writer) error {
	switch shell {
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, true)
	}
	return root.GenBashCompletionV2(w, true)
}

// completionPatience is how long somebody who pressed Tab waits.
const completionPatience = time.Second

// completeIncidents offers the incidents that a filter chooses, the newest first,
// with what they are about. Without a running agent nothing is offered.
func (c *cli) completeIncidents(filter oncall.Filter) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		const keep = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		if len(args) > 0 {
			return nil, keep
		}
		settings, err := c.settings()
		if err != nil {
			return nil, keep
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
		defer cancel()
		incidents, err := ask[[]oncall.Summary](ctx, settings, oncall.AskIncidents, filter)
		if err != nil {
			return nil, keep
		}
		return incidentCompletions(incidents), keep
	}
}

func incidentCompletions(incidents []oncall.Summary) []cobra.Completion {
	var offered []cobra.Completion
	for _, i := range incidents {
		title := remediate.Printable(orDash(cause(i)) + ", " + orDash(i.Target.String()) + ", " + string(i.State) + ", " + moment(i.Opened))
		offered = append(offered, cobra.CompletionWithDesc(string(i.ID), title))
	}
	return offered
}

// completeTargets offers what the inventory knows.
func (c *cli) completeTargets(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	settings, err := c.settings()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	file, err := settings.Inventory()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	targets := []cobra.Completion{remediate.Host(file.Host.Name).String()}
	for name := range file.Units {
		targets = append(targets, remediate.Unit(name).String())
	}
	for name := range file.VMs {
		targets = append(targets, remediate.VM(name).String())
	}
	slices.Sort(targets)
	return targets, cobra.ShellCompDirectiveNoFileComp
}
