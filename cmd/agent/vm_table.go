package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

func (c *cli) vmListCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "list",
		Short: "List the virtual machines and how they stand",
		Args:  cobra.NoArgs,
	}
	output := addOutput(command)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		_, vms, err := c.readVMs(cmd.Context())
		if err != nil {
			return err
		}
		if output.json() {
			return writeJSON(c.out, vms)
		}
		if len(vms) == 0 {
			fmt.Fprintln(c.err, "no virtual machines")
			return nil
		}
		vmTable(vms, c.now()).write(newScreen(c.out))
		return nil
	}
	return command
}

func (c *cli) vmStatusCommand() *cobra.Command {
	command := &cobra.Command{
		Use:               "status [VM]",
		Short:             "Say how a virtual machine stands: exit status 1 unless it runs",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeVMs,
	}
	output := addOutput(command)
	command.RunE = func(cmd *cobra.Command, args []string) error {
		name := ""
		if len(args) > 0 {
			name = args[0]
		}
		vm, err := c.readVM(cmd.Context(), name)
		if err != nil {
			return err
		}
		if output.json() {
			err = writeJSON(c.out, vm)
		} else {
			tellVM(newScreen(c.out), vm, c.now())
		}
		if err == nil && vm.Health != remediate.Healthy {
			return failure{status: statusFailed}
		}
		return err
	}
	return command
}

func (c *cli) checkpointListCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "list",
		Short: "List what one can go back to, the newest first",
		Args:  cobra.NoArgs,
	}
	var name string
	output := addOutput(command)
	c.addVM(command, &name)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		vm, err := c.readVM(cmd.Context(), name)
		if err != nil {
			return err
		}
		if output.json() {
			return writeJSON(c.out, vm.Checkpoints)
		}
		if len(vm.Checkpoints) == 0 {
			fmt.Fprintln(c.err, "no checkpoints")
			return nil
		}
		checkpointTable(vm.Checkpoints, c.now()).write(newScreen(c.out))
		return nil
	}
	return command
}

// readVMs asks how the virtual machines stand: the agent, or where it does not answer
// QEMU and the disks themselves.
func (c *cli) readVMs(ctx context.Context) (agent.Settings, []oncall.VM, error) {
	settings, err := c.settings()
	if err != nil {
		return settings, nil, err
	}
	vms, err := ask[[]oncall.VM](ctx, c, settings, oncall.AskVMs, nil)
	if c.isDown(err) {
		c.sayDown("this is what QEMU and the disks say")
		vms, err = agent.VMsOffline(ctx, settings)
	}
	return settings, vms, err
}

// readVM is one of them.
func (c *cli) readVM(ctx context.Context, name string) (oncall.VM, error) {
	settings, err := c.settings()
	if err != nil {
		return oncall.VM{}, err
	}
	target, err := c.targetVM(ctx, settings, name)
	if err != nil {
		return oncall.VM{}, err
	}
	_, vms, err := c.readVMs(ctx)
	if err != nil {
		return oncall.VM{}, err
	}
	n := slices.IndexFunc(vms, func(vm oncall.VM) bool { return vm.Name == target.Name })
	if n < 0 {
		return oncall.VM{}, fmt.Errorf("cannot find the virtual machine %s: the agent's inventory is another one; reload it", target.Name)
	}
	return vms[n], nil
}

// stateColumns is how much of a run state a list shows: a word, or the begin of why
// there is none.
const stateColumns = 40

func vmTable(vms []oncall.VM, now time.Time) *table {
	t := &table{head: []string{"VM", "STATE", "LAST KNOWN GOOD", "CHECKPOINTS", "UNIT", "PROBLEM"}}
	for _, vm := range vms {
		t.add(in(bold, vm.Name), in(healthStyle(vm.Health), cutTo(orDash(vm.State), stateColumns, stateColumns)), say(goodWords(vm, now)),
			say(fmt.Sprint(len(vm.Checkpoints))), say(vm.Unit), in(red, vm.Problem))
	}
	return t
}

// goodWords is what a rollback would go back to.
func goodWords(vm oncall.VM, now time.Time) string {
	for _, c := range vm.Checkpoints {
		if c.LastKnownGood {
			return c.Name + " (" + span(max(now.Sub(c.Taken), 0)) + " old, " + gradeWords(c.Grade) + ")"
		}
	}
	return orDash(vm.LastKnownGood)
}

func tellVM(s screen, vm oncall.VM, now time.Time) {
	field := func(name string, value piece) { s.line(in(faint, fmt.Sprintf("%-11s", name)), value) }
	field("vm", in(bold, vm.Name))
	field("unit", say(vm.Unit))
	field("state", in(healthStyle(vm.Health), reasoned(orDash(vm.State), vm.Health.String(), oneLine(vm.Detail))))
	for _, disk := range vm.Disks {
		field("disk", say(diskWords(disk)))
	}
	field("good", say(cmp.Or(goodLacks(vm), goodWords(vm, now))))
	if vm.Guest != "" {
		field("inside", say(oneLine(vm.Guest)))
	}
	if vm.Problem != "" {
		field("problem", in(red, oneLine(vm.Problem)))
	}
	if len(vm.Checkpoints) > 0 {
		s.line()
		checkpointTable(vm.Checkpoints, now).write(s)
	}
}

// diskWords say what a rollback does with a disk, and what it is on.
func diskWords(d oncall.Disk) string {
	switch {
	case d.Keep:
		return d.Name + " stays"
	case d.File == "":
		return d.Name + " goes back"
	}
	return d.Name + " goes back, is on " + d.File
}

// goodLacks says why there is nothing to go back to; empty when there is.
func goodLacks(vm oncall.VM) string {
	if vm.LastKnownGood != "" || vm.Lacks == "" {
		return ""
	}
	return "none: " + oneLine(vm.Lacks)
}

func checkpointTable(checkpoints []oncall.Checkpoint, now time.Time) *table {
	t := &table{head: []string{"CHECKPOINT", "TAKEN", "AGE", "GRADE", "KEPT", "DIGEST", "PROBLEM"}}
	for _, c := range checkpoints {
		t.add(in(bold, c.Name), say(moment(c.Taken)), say(span(max(now.Sub(c.Taken), 0))), say(gradeWords(c.Grade)),
			say(keptWords(c)), say(short(c.Digest)), in(red, c.Wrong))
	}
	return t
}

// keptWords says where a checkpoint lies.
func keptWords(c oncall.Checkpoint) string {
	switch {
	case c.LastKnownGood:
		return "last known good"
	case c.Promoted:
		return "promoted"
	}
	return "live"
}

// tellForeseen writes what an order would do.
func tellForeseen(s screen, x explanation, now time.Time) {
	s.line(in(bold, x.Playbook+" of "+orDash(x.Target.String())), say(": nothing is done"))
	if x.Problem != "" {
		s.line(in(red, "  problem   "+oneLine(x.Problem)))
	}
	tellObservations(s, x.Observations)
	for _, rung := range x.Plan.Rungs {
		tellRung(s, rung, now)
	}
	tellVerdicts(s, x.Verdicts)
}
