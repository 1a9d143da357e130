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

// completeIncidents offers the incidents that a filter chooses and that fit, the
// newest first, with what they are about. Without a running agent nothing is offered.
func (c *cli) completeIncidents(filter oncall.Filter, fit fits) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		const keep = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		if len(args) > 0 {
			return nil, keep
		}
		return incidentCompletions(whileTyping[[]oncall.Summary](cmd.Context(), c, oncall.AskIncidents, filter), fit), keep
	}
}

// whileTyping asks the running agent for what a person who pressed Tab may mean; when
// it does not answer at once, that is nothing.
func whileTyping[T any](ctx context.Context, c *cli, query string, question any) T {
	var none T
	settings, err := c.settings()
	if err != nil {
		return none
	}
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
	defer cancel()
	answer, err := ask[T](ctx, c, settings, query, question)
	if err != nil {
		return none
	}
	return answer
}

// incidentCompletions are the incidents that fit, each with its title.
func incidentCompletions(incidents []oncall.Summary, fit fits) []cobra.Completion {
	var offered []cobra.Completion
	for _, i := range incidents {
		if fit(i) {
			title := orDash(cause(i)) + " · " + orDash(i.Target.String()) + " · " + string(i.State)
			offered = append(offered, cobra.CompletionWithDesc(string(i.ID), remediate.Printable(oneLine(title))))
		}
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
