package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/playbooks"
	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

func (c *cli) playbookCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "playbook",
		Short: "Look at the playbooks: how far each may go, and what came of it",
		Long: "Look at the playbooks: how far each may go, and what came of it. One that failed goes a level down by itself\n" +
			"(act, approve, observe); a person promotes it again, up to what the inventory says.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(
		c.playbookListCommand(), c.playbookShowCommand(), c.playbookRunCommand(), c.playbookCheckCommand(), c.playbookTestCommand(), c.playbookPromoteCommand(),
		c.playbookSchemaCommand(),
	)
	return command
}

func (c *cli) playbookListCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "list",
		Short: "List the playbooks: level in force, the inventory's ceiling, and their record",
		Args:  cobra.NoArgs,
	}
	output := addOutput(command)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		records, err := c.readPlaybooks(cmd.Context())
		if err != nil {
			return err
		}
		if output.json() {
			return writeJSON(c.out, records)
		}
		playbookTable(records).write(newScreen(c.out))
		return nil
	}
	return command
}

func (c *cli) readPlaybooks(ctx context.Context) ([]oncall.PlaybookRecord, error) {
	settings, err := c.settings()
	if err != nil {
		return nil, err
	}
	records, err := ask[[]oncall.PlaybookRecord](ctx, c, settings, oncall.AskPlaybooks, nil)
	if c.isDown(err) {
		c.sayDown("this is what its inventory and its state say")
		return agent.PlaybooksOffline(ctx, settings)
	}
	return records, err
}

// playbookTable has a row for each playbook. OBSERVED are the plans that it only
// showed, and BY PEOPLE how many of those people carried out themselves.
func playbookTable(records []oncall.PlaybookRecord) *table {
	t := &table{head: []string{"PLAYBOOK", "LEVEL", "AT MOST", "ATTEMPTS", "FIXED", "NOT FIXED", "INCONCLUSIVE", "OBSERVED", "BY PEOPLE", "WHY"}}
	number := func(n int) piece {
		if n == 0 {
			return in(faint, "-")
		}
		return say(fmt.Sprint(n))
	}
	for _, r := range records {
		t.add(in(bold, r.Name), in(levelStyle(r), levelWords(r.Autonomy)), say(levelWords(r.Inventory)),
			number(r.Attempts), number(r.Verified[remediate.Fixed]), number(r.Verified[remediate.NotFixed]), number(r.Verified[remediate.Inconclusive]),
			number(r.Ended[remediate.Observed]), number(r.ByPeople), say(levelWhy(r)))
	}
	return t
}

// levelWords is a level as people say it; a playbook that the inventory does not
// bound may act.
func levelWords(a remediate.Autonomy) string {
	if a == remediate.Unset {
		return remediate.Act.String()
	}
	return a.String()
}

// levelStyle is red for what may do less than the inventory lets it.
func levelStyle(r oncall.PlaybookRecord) style {
	if r.Set != nil && r.Set.To < r.Inventory || r.Breaker != nil {
		return red
	}
	return plain
}

// levelWhy says what set the level, where that is not the inventory.
func levelWhy(r oncall.PlaybookRecord) string {
	var words []string
	if r.Breaker != nil {
		words = append(words, "breaker open: "+oneLine(r.Breaker.Why))
	}
	switch set := r.Set; {
	case set == nil:
	case set.By != "":
		words = append(words, reasoned("set to "+set.To.String()+" by "+set.By, "", oneLine(set.Comment)))
	default:
		words = append(words, reasoned("lowered to "+set.To.String()+" at "+moment(set.At.Wall), "", oneLine(set.Why)))
	}
	return strings.Join(words, "; ")
}

// recordOf is the record of one playbook that is on.
func (c *cli) recordOf(ctx context.Context, name string) (oncall.PlaybookRecord, error) {
	records, err := c.readPlaybooks(ctx)
	if err != nil {
		return oncall.PlaybookRecord{}, err
	}
	n := slices.IndexFunc(records, func(r oncall.PlaybookRecord) bool { return r.Name == name })
	if n < 0 {
		return oncall.PlaybookRecord{}, fmt.Errorf("cannot find the playbook %q: the inventory lists %v", name, recordNames(records))
	}
	return records[n], nil
}

func recordNames(records []oncall.PlaybookRecord) []string {
	var names []string
	for _, r := range records {
		names = append(names, r.Name)
	}
	return names
}

func (c *cli) playbookPromoteCommand() *cobra.Command {
	to := choice{choices: []string{remediate.WatchOnly.String(), remediate.Approve.String(), remediate.Act.String()}}
	command := &cobra.Command{
		Use:   "promote NAME --to LEVEL --comment TEXT",
		Short: "Set how far a playbook may go from now on, up to what the inventory says",
		Long: "Set how far a playbook may go from now on: observe, approve or act, up to what the inventory says. It is\n" +
			"recorded with who did it and why.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completePlaybooks,
	}
	addChoice(command, &to, "to", "", "the level: observe, approve or act (needed)")
	comment := command.Flags().StringP("comment", "m", "", "why, for those who read it later (needed)")
	output, dryRun := addOutput(command), addDryRun(command)
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if to.value == "" {
			return wrongUse("cannot promote %s to nothing: add --to observe, approve or act", args[0])
		}
		if strings.TrimSpace(*comment) == "" {
			return wrongUse("cannot promote a playbook without a reason: add --comment \"…\"")
		}
		var level remediate.Autonomy
		if err := level.UnmarshalText([]byte(to.value)); err != nil {
			return err
		}
		if *dryRun {
			return c.wouldPromote(cmd.Context(), args[0], level)
		}
		return c.sayVerb(cmd.Context(), oncall.Promote, oncall.Request{Playbook: args[0], To: level, Comment: *comment}, output.json())
	}
	return command
}

// wouldPromote says from where to where, and what the record is.
func (c *cli) wouldPromote(ctx context.Context, name string, to remediate.Autonomy) error {
	record, err := c.recordOf(ctx, name)
	if err != nil {
		return err
	}
	s := newScreen(c.out)
	s.line(say(fmt.Sprintf("would set playbook %s to level %s; it is at %s now, and at most at %s", name, to, levelWords(record.Autonomy), levelWords(record.Inventory))))
	playbookTable([]oncall.PlaybookRecord{record}).write(s)
	return nil
}

// completePlaybooks offers those that are on, with how far each may go.
func (c *cli) completePlaybooks(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	records := whileTyping[[]oncall.PlaybookRecord](cmd.Context(), c, oncall.AskPlaybooks, nil)
	var offered []cobra.Completion
	for _, r := range records {
		offered = append(offered, cobra.CompletionWithDesc(r.Name, "level "+levelWords(r.Autonomy)))
	}
	if len(records) == 0 {
		offered = append(offered, playbooks.Names()...)
	}
	return offered, cobra.ShellCompDirectiveNoFileComp
}
