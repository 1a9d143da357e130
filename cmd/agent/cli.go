package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"nightshift/remediate/agent"
)

// cli is one run of the program.
type cli struct {
	in  io.Reader
	out *output
	err io.Writer
	now func() time.Time

	// access is how the agent is reached.
	access access
	// environment is the file whose settings stand in for those that the
	// environment lacks.
	environment string
	// begun is whether the command line was found right.
	begun bool
}

func (c *cli) run(ctx context.Context, args []string) int {
	root := c.root()
	root.SetArgs(args)
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	command, err := root.ExecuteContextC(ctx)
	if err == nil && c.out.err != nil {
		err = fmt.Errorf("cannot write the answer: %w", c.out.err)
	}
	return c.conclude(command, err)
}

// The groups in which the help lists the commands.
const (
	groupAgent    = "agent"
	groupLook     = "look"
	groupSay      = "say"
	groupGates    = "gates"
	groupVM       = "vm"
	groupConfig   = "config"
	groupTerminal = "terminal"
)

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "nightshift",
		Short: "Repairs services by coded playbooks, and says what it did",
		Long: "Nightshift repairs services by coded playbooks: an alert comes in, the gates are asked,\n" +
			"what was seen is kept, the least invasive step is taken and verified; what it can't\n" +
			"mend it hands to people.",
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(command *cobra.Command, _ []string) error {
			c.begun = true
			return checkAccess(command)
		},
	}
	root.PersistentFlags().StringVar(&c.environment, "environment", "",
		"a `file` with settings that the environment lacks (default "+defaultEnvironment+"; run has none)")
	c.access.add(root)
	root.AddGroup(
		&cobra.Group{ID: groupAgent, Title: "The agent:"},
		&cobra.Group{ID: groupLook, Title: "Look:"},
		&cobra.Group{ID: groupSay, Title: "Say:"},
		&cobra.Group{ID: groupGates, Title: "Gates and people:"},
		&cobra.Group{ID: groupVM, Title: "Virtual machines:"},
		&cobra.Group{ID: groupConfig, Title: "Configure:"},
		&cobra.Group{ID: groupTerminal, Title: "This program:"},
	)
	root.SetHelpCommandGroupID(groupTerminal)
	c.addCommands(root)
	return root
}

// addCommands adds every command, each to the group in which the help lists it.
func (c *cli) addCommands(root *cobra.Command) {
	add := func(group string, commands ...*cobra.Command) {
		for _, command := range commands {
			command.GroupID = group
			root.AddCommand(command)
		}
	}
	add(groupAgent, c.runCommand(), c.reloadCommand(), c.statusCommand())
	add(groupLook, c.checkCommand(), c.watchCommand(), c.incidentsCommand(), c.showCommand(), c.reportCommand(), c.historyCommand(),
		c.explainCommand(), c.replayCommand(), c.backtestCommand(), c.journalCommand())
	add(groupSay, c.ackCommand(), c.approveCommand(), c.denyCommand(), c.cancelCommand(), c.closeCommand(), c.resumeCommand(),
		c.commentCommand(), c.freezeCommand(), c.thawCommand())
	add(groupGates, c.playbookCommand(), c.breakerCommand(), c.limitCommand(), c.userCommand())
	add(groupVM, c.vmCommand())
	add(groupConfig, c.initCommand(), c.configCommand())
	add(groupTerminal, c.versionCommand(), c.completionCommand())
}

// settings are those of the environment and of the file beside it.
func (c *cli) settings() (agent.Settings, error) {
	if err := c.readEnvironment(c.environment, defaultEnvironment); err != nil {
		return agent.Settings{}, err
	}
	return loadSettings()
}

func loadSettings() (agent.Settings, error) {
	settings, err := agent.LoadSettings()
	if err != nil {
		return settings, failure{statusConfig, err}
	}
	return settings, nil
}
