package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"nightshift/playbooks"
	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

func (c *cli) vmCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "vm",
		Short: "Look after the virtual machines that this host runs",
		Long: "Look after the virtual machines that this host runs: what they are on, what one can go back to,\n" +
			"and what only a person starts. Whatever is done is an incident, as a repair is: its gates, its\n" +
			"approval, its story.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	checkpoint := &cobra.Command{
		Use:   "checkpoint",
		Short: "Make and list checkpoints: states that one can go back to",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	checkpoint.AddCommand(c.checkpointCreateCommand(), c.checkpointListCommand())
	command.AddCommand(c.vmListCommand(), c.vmStatusCommand(), checkpoint, c.promoteCommand(), c.vmVerifyCommand(),
		c.deployCommand(), c.rollbackCommand(), c.adoptCommand(), c.keepCommand(), c.shutDownCommand())
	return command
}

// orderFlags are those of all that is asked to be done with a virtual machine.
type orderFlags struct {
	vm, comment       string
	yes, dryRun, json bool
	// anyRung is whether it is well that a later rung was needed.
	anyRung bool
}

// orderCommand completes a command that asks for something to be done; order makes of
// its arguments what that is.
func (c *cli) orderCommand(command *cobra.Command, order func(args []string) (oncall.Order, error)) *cobra.Command {
	var flags orderFlags
	output, dryRun := addOutput(command), addDryRun(command)
	c.addVM(command, &flags.vm)
	command.Flags().StringVarP(&flags.comment, "comment", "m", "", "why, for those who read it later")
	command.Flags().BoolVarP(&flags.yes, "yes", "y", false, "approve whatever has to be approved on the way, as it is shown")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		o, err := order(args)
		if err != nil {
			return err
		}
		flags.json, flags.dryRun, o.Comment = output.json(), *dryRun, flags.comment
		return c.order(cmd.Context(), o, flags)
	}
	return command
}

// addVM adds --vm, which is needed where the inventory has several.
func (c *cli) addVM(command *cobra.Command, vm *string) {
	command.Flags().StringVar(vm, "vm", "", "which virtual machine (default: the only one)")
	mustComplete(command, "vm", c.completeVMs)
}

func (c *cli) checkpointCreateCommand() *cobra.Command {
	return c.orderCommand(&cobra.Command{
		Use:               "create NAME",
		Short:             "Keep the disks as they are now, while it runs",
		Long:              "Keep the disks that go back as they are now. The virtual machine runs on and notices nothing.",
		Example:           "  nightshift vm checkpoint create before-update",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}, named(playbooks.VMCheckpoint))
}

func (c *cli) promoteCommand() *cobra.Command {
	return c.orderCommand(&cobra.Command{
		Use:               "promote NAME",
		Short:             "Make a checkpoint the last known good: what a rollback goes back to",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completeCheckpoints,
	}, named(playbooks.VMPromote))
}

func (c *cli) deployCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "deploy IMAGE",
		Short: "Put another image in the place of the disks that go back, and boot it",
		Long: "Put another image in the place of the disks that go back, and boot it. What runs now is put aside\n" +
			"and kept. Where the image does not become healthy, going back is offered: approve that as well.\n" +
			"With --checkpoint the disks are kept before, under that name; without it nothing else is done.",
		Example: "  nightshift vm deploy ./result/rave.qcow2 --checkpoint before-update",
		Args:    cobra.ExactArgs(1),
	}
	checkpoint := command.Flags().String("checkpoint", "", "make a checkpoint of that name first")
	mustComplete(command, "checkpoint", cobra.NoFileCompletions)
	return c.before(checkpoint, c.orderCommand(command, func(args []string) (oncall.Order, error) {
		if args[0] == "" {
			return oncall.Order{}, wrongUse("cannot deploy nothing: give the path of an image")
		}
		image, err := filepath.Abs(args[0])
		if err != nil {
			return oncall.Order{}, fmt.Errorf("cannot find the image %s: %w", args[0], err)
		}
		return oncall.Order{Playbook: playbooks.VMDeploy.Name, Image: image}, nil
	}))
}

// before makes a checkpoint, where one is named, before what a command does: an order
// of its own, whose failure ends it.
func (c *cli) before(checkpoint *string, command *cobra.Command) *cobra.Command {
	keep, then := c.checkpointCreateCommand(), command.RunE
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if !cmd.Flags().Changed("checkpoint") {
			return then(cmd, args)
		}
		if *checkpoint == "" {
			return wrongUse("cannot make a checkpoint without a name: give --checkpoint one")
		}
		for _, same := range []string{"vm", "comment", "yes", "dry-run", "output"} {
			if err := keep.Flags().Set(same, cmd.Flags().Lookup(same).Value.String()); err != nil {
				return err
			}
		}
		keep.SetContext(cmd.Context())
		if err := keep.RunE(keep, []string{*checkpoint}); err != nil {
			return fmt.Errorf("cannot make the checkpoint %s, so nothing was deployed: %w", *checkpoint, err)
		}
		return then(cmd, args)
	}
	return command
}

func (c *cli) rollbackCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "rollback",
		Short: "Go back to a checkpoint; disks that are kept stay as they are",
		Long: "Go back to the last known good, or to another checkpoint. Disks that the inventory keeps stay as\n" +
			"they are. What runs now is put aside and kept: --undo exchanges the two again.",
		Args: cobra.NoArgs,
	}
	to := command.Flags().String("to", "", "the checkpoint to go back to (default: the last known good)")
	undo := command.Flags().Bool("undo", false, "put back what was put aside last")
	mustComplete(command, "to", c.completeCheckpoints)
	return c.orderCommand(command, func([]string) (oncall.Order, error) {
		switch {
		case *undo && *to != "":
			return oncall.Order{}, wrongUse("cannot both --to and --undo: choose one")
		case *undo:
			return oncall.Order{Playbook: playbooks.VMUndo.Name}, nil
		}
		return oncall.Order{Playbook: playbooks.VMRollback.Name, Checkpoint: *to}, nil
	})
}

// named is an order about the checkpoint that the first argument names, if there is
// one.
func named(p remediate.Playbook) func(args []string) (oncall.Order, error) {
	return func(args []string) (oncall.Order, error) {
		o := oncall.Order{Playbook: p.Name}
		if len(args) > 0 {
			o.Checkpoint = args[0]
		}
		return o, nil
	}
}

// targetVM is the virtual machine that is meant: the one that is named, or the only
// one that there is.
func (c *cli) targetVM(ctx context.Context, s agent.Settings, name string) (remediate.Target, error) {
	names, err := c.vmNames(ctx, s)
	if err != nil {
		return remediate.Target{}, err
	}
	switch {
	case len(names) == 0:
		return remediate.Target{}, fmt.Errorf("cannot find a virtual machine: the inventory%s has none in `vms`", c.inventoryName(s))
	case name == "" && len(names) > 1:
		return remediate.Target{}, wrongUse("cannot tell which virtual machine is meant: add --vm with one of %v", names)
	case name == "":
		return remediate.VM(names[0]), nil
	case !slices.Contains(names, name):
		return remediate.Target{}, wrongUse("cannot find the virtual machine %q: the inventory has %v", name, names)
	}
	return remediate.VM(name), nil
}

// inventoryName is which inventory is meant, where it is this host's.
func (c *cli) inventoryName(s agent.Settings) string {
	if c.access.elsewhere() {
		return ""
	}
	return " " + s.Config
}

// vmNames are the virtual machines of this host's inventory, or of the agent that is
// elsewhere.
func (c *cli) vmNames(ctx context.Context, s agent.Settings) ([]string, error) {
	if !c.access.elsewhere() {
		file, err := s.Inventory()
		if err != nil {
			return nil, err
		}
		return sortedKeys(file.VMs), nil
	}
	vms, err := ask[[]oncall.VM](ctx, c, s, oncall.AskVMs, nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, vm := range vms {
		names = append(names, vm.Name)
	}
	return names, nil
}

// sortedKeys are the names of a map, in order.
func sortedKeys[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }

// order has something done with a virtual machine and follows it to its end.
func (c *cli) order(ctx context.Context, o oncall.Order, flags orderFlags) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	if o.Target, err = c.targetVM(ctx, settings, flags.vm); err != nil {
		return err
	}
	if flags.dryRun {
		return c.foresee(ctx, settings, o, flags.json)
	}
	return c.follow(ctx, settings, oncall.Start, o, flags)
}

// follow has something done, by a verb that opens an incident, and follows that to its
// end.
func (c *cli) follow(ctx context.Context, settings agent.Settings, verb string, o oncall.Order, flags orderFlags) error {
	client, err := c.connect(ctx, settings)
	if err != nil {
		if c.isDown(err) {
			return fmt.Errorf("cannot start %s: only a running agent can act: %w", o.Playbook, err)
		}
		return err
	}
	defer client.Close()
	reply, err := client.Do(ctx, verb, oncall.Request{Order: &o})
	if err != nil {
		return err
	}
	f := follower{cli: c, client: client, id: reply.Incident.ID, flags: flags, screen: newScreen(c.err)}
	return f.run(ctx)
}

// foresee shows what would be done and what each gate says; nothing is.
func (c *cli) foresee(ctx context.Context, s agent.Settings, o oncall.Order, json bool) error {
	answer, err := c.askForesee(ctx, s, o)
	if err != nil {
		return err
	}
	if json {
		return writeJSON(c.out, answer)
	}
	x, err := readForeseen(answer)
	if err == nil {
		tellForeseen(newScreen(c.out), x, c.now())
	}
	return err
}

// askForesee asks the running agent, else what its inventory and its state say.
func (c *cli) askForesee(ctx context.Context, s agent.Settings, o oncall.Order) (remediate.RawJSON, error) {
	answer, err := ask[remediate.RawJSON](ctx, c, s, oncall.AskForesee, o)
	if c.isDown(err) {
		c.sayDown("this is what its inventory and its state say")
		return agent.ForeseeOffline(ctx, s, o)
	}
	return answer, err
}

// foreseen is what would be done, as the agent says.
func (c *cli) foreseen(ctx context.Context, s agent.Settings, o oncall.Order) (explanation, error) {
	answer, err := c.askForesee(ctx, s, o)
	if err != nil {
		return explanation{}, err
	}
	return readForeseen(answer)
}

func readForeseen(answer remediate.RawJSON) (explanation, error) {
	var x explanation
	if err := remediate.DecodeJSON(answer, &x); err != nil {
		return x, fmt.Errorf("cannot read the agent's answer: %w", err)
	}
	return x, nil
}
