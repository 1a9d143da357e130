package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/playbooks"
	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

func (c *cli) vmVerifyCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "verify [NAME]",
		Short: "Check a promoted checkpoint, the last known good by default; --boot proves it",
		Long: "Check a promoted checkpoint, the last known good by default: its files are read whole and held\n" +
			"against what was recorded of them. With --boot the checkpoint, promoted or not, is booted on a\n" +
			"throw-away overlay without a network until it is healthy there, which grades it boot-proved.",
		Example:           "  nightshift vm verify --boot   # weekly, as a check of the backup",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeCheckpoints,
	}
	boot := command.Flags().Bool("boot", false, "boot it on a throw-away overlay until it is healthy")
	command = c.orderCommand(command, named(playbooks.VMVerify))
	prove := command.RunE
	command.RunE = func(cmd *cobra.Command, args []string) error {
		dryRun, err := cmd.Flags().GetBool("dry-run")
		if err != nil || *boot || dryRun {
			return prove(cmd, args)
		}
		vm, err := cmd.Flags().GetString("vm")
		if err != nil {
			return err
		}
		return c.verifyCheckpoint(cmd.Context(), vm, strings.Join(args, ""))
	}
	return command
}

// verifyCheckpoint reads a promoted checkpoint whole. It needs no agent: everybody may
// read what is promoted.
func (c *cli) verifyCheckpoint(ctx context.Context, vm, name string) error {
	if c.access.elsewhere() {
		return wrongUse("cannot read a checkpoint that lies elsewhere: run `nightshift vm verify` there, or add --boot")
	}
	settings, err := c.settings()
	if err != nil {
		return err
	}
	target, err := c.targetVM(ctx, settings, vm)
	if err != nil {
		return err
	}
	p := progress{screen: newScreen(c.err), now: c.now, began: c.now()}
	defer p.clear()
	name, err = agent.VerifyCheckpoint(ctx, settings, target.Name, name, p.tell)
	if err != nil {
		return err
	}
	p.clear()
	newScreen(c.out).line(say("checkpoint " + name + " of " + target.Name + " is what was promoted"))
	return nil
}

// keepCommand is what the unit that root owns runs: the agent may start it, and can
// write none of what it writes.
func (c *cli) keepCommand() *cobra.Command {
	command := &cobra.Command{
		Use:    "keep VM:NAME",
		Short:  "Copy a checkpoint to where the agent can't write, and make it the last known good",
		Long:   "Copy a checkpoint to where the agent can't write, check it, and make it the last known good. It is\nwhat nightshift-promote@VM:NAME.service runs as root.",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
	}
	user := command.Flags().String("user", "nightshift", "the user that the agent runs as, whose list of checkpoints is believed")
	command.RunE = func(cmd *cobra.Command, args []string) error { return c.keep(cmd.Context(), args[0], *user) }
	return command
}

func (c *cli) keep(ctx context.Context, instance, user string) error {
	vm, name, ok := strings.Cut(instance, ":")
	if !ok || vm == "" || name == "" {
		return wrongUse("cannot keep %q: expected VM:NAME", instance)
	}
	settings, err := c.settings()
	if err != nil {
		return err
	}
	target, err := c.targetVM(ctx, settings, vm)
	if err != nil {
		return err
	}
	p := progress{screen: newScreen(c.err), now: c.now, began: c.now()}
	defer p.clear()
	digest, err := agent.Promote(ctx, settings, target.Name, name, user, p.tell)
	if err != nil {
		return err
	}
	p.clear()
	newScreen(c.out).line(say("checkpoint " + name + " of " + target.Name + " is the last known good, digest " + digest))
	return nil
}

// progress is a line that says how far something long has come. On a terminal it is
// written over; elsewhere it comes once in a while.
type progress struct {
	screen      screen
	now         func() time.Time
	began, said time.Time
	shown       bool
}

// How often progress is said: often enough to see that it moves, and rarely enough
// for a log.
const (
	onTerminal = 200 * time.Millisecond
	inLog      = 10 * time.Second
)

// tell says how many of how many bytes are done, when it is time to.
func (p *progress) tell(done, total int64) {
	every := inLog
	if p.screen.isTerminal() {
		every = onTerminal
	}
	if p.said.IsZero() {
		p.said = p.began
	}
	if p.now().Sub(p.said) < every || total <= 0 {
		return
	}
	p.clear()
	p.said = p.now()
	text := fmt.Sprintf("%d%% of %d MiB, %s", done*100/total, total>>20, span(p.now().Sub(p.began)))
	if !p.screen.isTerminal() {
		p.screen.line(say(text))
		return
	}
	fmt.Fprint(p.screen.w, p.screen.show(in(faint, text)))
	p.shown = true
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.screen.w, clearLine)
		p.shown = false
	}
}

// clearLine goes to the begin of the line and erases it: EL of ECMA-48.
const clearLine = "\r\x1b[K"

// completeVMs offers the virtual machines of the inventory.
func (c *cli) completeVMs(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var offered []cobra.Completion
	settings, err := c.settings()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	file, err := settings.Inventory()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, name := range sortedKeys(file.VMs) {
		offered = append(offered, cobra.CompletionWithDesc(name, file.VMs[name].Unit))
	}
	return offered, cobra.ShellCompDirectiveNoFileComp
}

// completeCheckpoints offers what one can go back to, the newest first. Without a
// running agent nothing is offered.
func (c *cli) completeCheckpoints(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const keep = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	if len(args) > 0 {
		return nil, keep
	}
	wanted, _ := cmd.Flags().GetString("vm") // where there is no such flag, any
	vms := whileTyping[[]oncall.VM](cmd.Context(), c, oncall.AskVMs, nil)
	return checkpointCompletions(vms, wanted), keep
}

func checkpointCompletions(vms []oncall.VM, wanted string) []cobra.Completion {
	var offered []cobra.Completion
	for _, vm := range vms {
		if wanted != "" && wanted != vm.Name {
			continue
		}
		for _, c := range vm.Checkpoints {
			title := vm.Name + ", " + moment(c.Taken) + ", " + gradeWords(c.Grade) + ", " + keptWords(c)
			offered = append(offered, cobra.CompletionWithDesc(c.Name, remediate.Printable(title)))
		}
	}
	return offered
}
