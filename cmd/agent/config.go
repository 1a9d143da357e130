package main

import (
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"nightshift/remediate/agent"
	"nightshift/remediate/inventory"
)

func (c *cli) configCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "config",
		Short: "Print the settings in force, and what each means",
		Args:  cobra.NoArgs,
	}
	output := addOutput(command)
	command.RunE = func(*cobra.Command, []string) error { return c.printSettings(output.json()) }
	command.AddCommand(c.configCheckCommand(), c.polkitCommand())
	return command
}

// setting is one setting as it is printed.
type setting struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Default string `json:"default,omitzero"`
	Means   string `json:"means"`
}

// userinfo is the part of a URL that may hold a password: RFC 3986, 3.2.1.
var userinfo = regexp.MustCompile(`://[^/\s@]*@`)

func shownSettings(s agent.Settings) []setting {
	var shown []setting
	for _, one := range s.List() {
		value := userinfo.ReplaceAllString(one.Value, "://***@")
		shown = append(shown, setting{one.Name, value, one.Default, one.Means})
	}
	return shown
}

func (c *cli) printSettings(json bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	shown := shownSettings(settings)
	if json {
		return writeJSON(c.out, shown)
	}
	t := &table{head: []string{"SETTING", "VALUE", "MEANS"}}
	for _, one := range shown {
		value := in(bold, one.Value)
		if one.Value == one.Default {
			value = say(orDash(one.Value))
		}
		t.add(say(one.Name), value, say(one.Means))
	}
	t.write(newScreen(c.out))
	return nil
}

func (c *cli) configCheckCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Read an inventory and say all that is wrong with it: exit status 1 if anything is",
		Long:  "Read an inventory, by default the one of NIGHTSHIFT_CONFIG, and say all that is wrong with it,\neach with its line and a caret.",
		Args:  cobra.MaximumNArgs(1),
	}
	command.RunE = func(_ *cobra.Command, args []string) error {
		settings, err := c.settings()
		if err != nil {
			return err
		}
		if len(args) > 0 {
			settings.Config = args[0]
		}
		return c.checkInventory(settings)
	}
	return command
}

func (c *cli) checkInventory(s agent.Settings) error {
	file, err := s.Inventory()
	if err == nil {
		err = agent.CheckConfig(s, file)
	}
	if err != nil {
		return failure{statusFailed, err}
	}
	out := newScreen(c.out)
	for _, warning := range file.Warnings {
		out.line(in(yellow, "warning: "), say(warning.String()))
	}
	out.line(say(s.Config + ": " + inventoryWords(file)))
	return nil
}

// inventoryWords counts what an inventory holds.
func inventoryWords(file *inventory.File) string {
	text := fmt.Sprintf("host %s, %s, %s, %s", file.Host.Name,
		count(len(file.Units), "unit"), count(len(file.Probes), "probe"), count(len(file.Playbooks), "playbook"))
	if n := len(file.VMs); n > 0 {
		text += ", " + count(n, "virtual machine")
	}
	if n := len(file.Warnings); n > 0 {
		return text + ", " + count(n, "warning")
	}
	return text + ", nothing wrong"
}

func (c *cli) polkitCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "polkit",
		Short: "Print the polkit rule for exactly the inventory's units and virtual machines",
		Long: "Print the polkit rule that lets the agent do with the inventory's units and virtual machines\n" +
			"what it may need to, and nothing else.",
		Example: "  nightshift config polkit | sudo tee /etc/polkit-1/rules.d/10-nightshift.rules",
		Args:    cobra.NoArgs,
	}
	user := command.Flags().String("user", "nightshift", "the user that the agent runs as")
	command.RunE = func(*cobra.Command, []string) error {
		settings, err := c.settings()
		if err != nil {
			return err
		}
		file, err := settings.Inventory()
		if err != nil {
			return err
		}
		_, err = c.out.Write(file.Polkit(*user))
		return err
	}
	return command
}
