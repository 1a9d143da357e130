package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"nightshift/playbooks"
	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

func (c *cli) playbookShowCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "show NAME",
		Short: "Show one playbook, on or off: which alerts it is for, its ladder, its record",
		Long: "Show one playbook, coded or in YAML, on or off: which alerts it is for, its ladder, its record. With\n" +
			"--output yaml it is printed as a file of its own, to begin another one with.",
		Example:           "  nightshift playbook show webhook-errors --output yaml > playbooks/my-case.yaml",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completePlaybooks,
	}
	output := &choice{"table", []string{"table", "json", "yaml"}}
	addChoice(command, output, "output", "o", "how the answer is written: table, json or yaml")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		p, known, unread := c.recipe(args[0])
		if output.value == "yaml" {
			if !known {
				return errors.Join(unread, noRecipe(args[0]))
			}
			_, err := c.out.Write(playbooks.Write(p))
			return err
		}
		shown, err := c.showing(cmd.Context(), args[0], p, known)
		switch {
		case err != nil:
			return errors.Join(unread, err)
		case output.json():
			return writeJSON(c.out, shown)
		}
		tellPlaybook(newScreen(c.out), shown)
		return nil
	}
	return command
}

// noRecipe says that a playbook is nowhere to be found.
func noRecipe(name string) error {
	return errors.New("cannot find the playbook " + name + ": it is neither coded nor in a file of the inventory's `playbooks`")
}

// recipe is the playbook of a name, as the inventory here has it, or else as it is
// coded. The error says why the inventory could not be asked.
func (c *cli) recipe(name string) (p remediate.Playbook, known bool, unread error) {
	settings, unread := c.settings()
	if unread == nil {
		var all []remediate.Playbook
		all, unread = agent.Recipes(settings)
		if n := slices.IndexFunc(all, func(p remediate.Playbook) bool { return p.Name == name }); n >= 0 {
			return all[n], true, nil
		}
	}
	if p, known = playbooks.Find(name); !known {
		p, known = playbooks.FindAsked(name)
	}
	return p, known, unread
}

// showing is a playbook with its record. One that is off has none.
func (c *cli) showing(ctx context.Context, name string, p remediate.Playbook, known bool) (shownPlaybook, error) {
	record, err := c.recordOf(ctx, name)
	shown := shownPlaybook{Record: record, Matches: []string{}, Off: err != nil}
	if err != nil && !known {
		return shown, err
	}
	if known {
		p = p.WithDefaults()
		shown.Record.Name, shown.Playbook, shown.Matches = name, &p, p.Match.Strings()
	}
	return shown, nil
}

// shownPlaybook is a playbook with its record. The recipe is this program's; an agent
// elsewhere that is older or newer may have another.
type shownPlaybook struct {
	Record   oncall.PlaybookRecord `json:"record"`
	Matches  []string              `json:"matches"`
	Playbook *remediate.Playbook   `json:"playbook,omitzero"`
	// Off is whether no inventory turns it on.
	Off bool `json:"off,omitzero"`
}

func (c *cli) playbookSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of playbooks in YAML, for editors",
		Long: "Print the JSON Schema of playbooks in YAML: editors complete and check them by it. It lies beside them, and\n" +
			"their first line names it.",
		Example: "  nightshift playbook schema > /etc/nightshift/playbooks/" + playbooks.SchemaFile,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := c.out.Write(playbooks.Schema())
			return err
		},
	}
}
