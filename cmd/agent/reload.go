package main

import (
	"github.com/spf13/cobra"

	"nightshift/remediate/oncall"
)

func (c *cli) reloadCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "reload",
		Short: "Have the agent read its inventory and its playbooks anew, all or nothing",
		Long: "Have the running agent read its inventory and its playbooks anew, as SIGHUP does. What is wrong with them is\n" +
			"said, and then the ones before stay in force. Live incidents keep their plan.",
		Args: cobra.NoArgs,
	}
	output, dryRun := addOutput(command), addDryRun(command)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		if !*dryRun {
			return c.sayVerb(cmd.Context(), oncall.Reload, oncall.Request{}, output.json())
		}
		settings, err := c.settings()
		if err != nil {
			return err
		}
		return c.checkInventory(settings)
	}
	return command
}
