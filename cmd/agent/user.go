package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nkeys"
	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/inventory"
)

func (c *cli) userCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "user",
		Short: "Look after the people who may speak to the agent: keys, and what each may approve",
		Long: "Look after the people who may speak to the agent. A person makes a key on the own machine (`user key`);\n" +
			"the seed stays there. Its public half goes into the inventory (`user add` prints the lines), and is known\n" +
			"once the agent has read the inventory again (SIGHUP).",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(c.userKeyCommand(), c.userAddCommand(), c.userListCommand())
	return command
}

func (c *cli) userAddCommand() *cobra.Command {
	approves := choice{choices: approvable}
	command := &cobra.Command{
		Use:   "add NAME --key U… | --new FILE",
		Short: "Print the inventory's lines for a person",
		Long: "Print the inventory's lines for a person. Nothing is changed: put them into the inventory, and have the\n" +
			"agent read it (SIGHUP). --new makes the key here as well; better is that the person makes it, with `user key`.",
		Example:           "  nightshift user add oncall-1 --key UAB… --approves rollback",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	key := command.Flags().String("key", "", "the public half of the person's key: U…")
	file := command.Flags().String("new", "", "make a key, and write its seed to this `file`")
	addChoice(command, &approves, "approves", "", "the greatest risk that the person may approve: limit, restart, reset or rollback (default: none)")
	mustComplete(command, "key", cobra.NoFileCompletions)
	output, dryRun := addOutput(command), addDryRun(command)
	command.RunE = func(_ *cobra.Command, args []string) error {
		name, err := userName(args[0])
		if err != nil {
			return err
		}
		if (*key == "") == (*file == "") {
			return wrongUse("cannot add %s: expected either --key with the public half of a key, or --new with a file for a new seed", name)
		}
		return c.addUser(inventoryUser{Name: name, Key: *key, Approves: approves.value}, *file, *dryRun, output.json())
	}
	return command
}

// approvable are the risks that one may approve: to observe needs nobody.
var approvable = []string{remediate.Limit.String(), remediate.Restart.String(), remediate.Reset.String(), remediate.Rollback.String()}

// inventoryUser is a person of the inventory.
type inventoryUser struct {
	Name     string `json:"name"`
	Key      string `json:"key"`
	Approves string `json:"approves,omitzero"`
}

func (c *cli) addUser(u inventoryUser, file string, dryRun, json bool) error {
	switch {
	case strings.HasPrefix(strings.ToUpper(u.Key), "S"): // not quoted: it would stand in a log
		return wrongUse("cannot use --key: it looks like a seed, which must never leave its person's machine, and your shell may remember it now; make a new key")
	case u.Key != "" && !nkeys.IsValidPublicUserKey(u.Key):
		return wrongUse("cannot use --key: expected the public half of a user's nkey, U and 55 more of A-Z and 2-7; `nightshift user key` prints it")
	}
	settings, err := c.settings()
	if err != nil {
		return err
	}
	if err := c.taken(settings, u); err != nil {
		return err
	}
	if file != "" && dryRun {
		newScreen(c.out).line(say("would make a key for " + u.Name + ", write its seed to " + file + ", and print the inventory's lines"))
		return nil
	}
	if file != "" {
		if u.Key, err = writeSeed(file); err != nil {
			return err
		}
		newScreen(c.err).line(say("The seed is in " + file + ": bring it to " + u.Name + " and remove it here."))
	}
	if json {
		return writeJSON(c.out, u)
	}
	c.printUser(settings, u)
	return nil
}

// taken says whether the inventory has that name or that key already. Without an
// inventory on this machine nothing is known to be taken.
func (c *cli) taken(s agent.Settings, u inventoryUser) error {
	file, err := s.Inventory()
	if err != nil {
		fmt.Fprintln(c.err, "nightshift: no inventory can be read here, so whether the name is taken is for its keeper to see")
		return nil
	}
	for _, name := range sortedKeys(file.People) {
		switch {
		case name == u.Name:
			return fmt.Errorf("cannot add %s: %s has that name; change its line instead", u.Name, s.Config)
		case u.Key != "" && file.People[name].Key == u.Key:
			return fmt.Errorf("cannot add %s: that key is %s's in %s; each person has their own", u.Name, name, s.Config)
		}
	}
	return nil
}

// printUser prints the lines as YAML on standard output, and where they belong on
// standard error.
func (c *cli) printUser(s agent.Settings, u inventoryUser) {
	out := newScreen(c.out)
	out.line(say("people:"))
	line := "  " + u.Name + ": {key: " + u.Key
	if u.Approves != "" {
		line += ", approves: " + u.Approves
	}
	out.line(say(line + "}"))
	newScreen(c.err).line(say("Put that into the inventory (" + cmp.Or(s.Config, "the file of NIGHTSHIFT_CONFIG") + "), and have the agent read it: systemctl reload nightshift"))
}

func (c *cli) userListCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "list",
		Short: "List the people of the inventory, and what each may approve",
		Args:  cobra.NoArgs,
	}
	output := addOutput(command)
	command.RunE = func(*cobra.Command, []string) error {
		settings, err := c.settings()
		if err != nil {
			return err
		}
		file, err := settings.Inventory()
		if err != nil {
			return err
		}
		users := usersOf(file)
		if output.json() {
			return writeJSON(c.out, users)
		}
		userTable(users).write(newScreen(c.out))
		if len(users) == 0 {
			fmt.Fprintln(c.err, "nobody is in `people`: whoever may read the operator's key on this host may approve everything")
		}
		return nil
	}
	return command
}

func usersOf(file *inventory.File) []inventoryUser {
	users := make([]inventoryUser, 0, len(file.People))
	for name, person := range file.People {
		u := inventoryUser{Name: name, Key: person.Key}
		if person.Approves > remediate.Observe {
			u.Approves = person.Approves.String()
		}
		users = append(users, u)
	}
	slices.SortFunc(users, func(a, b inventoryUser) int { return cmp.Compare(a.Name, b.Name) })
	return users
}

func userTable(users []inventoryUser) *table {
	t := &table{head: []string{"NAME", "APPROVES", "KEY"}}
	for _, u := range users {
		t.add(in(bold, u.Name), say(cmp.Or(u.Approves, "nothing")), say(u.Key))
	}
	return t
}
