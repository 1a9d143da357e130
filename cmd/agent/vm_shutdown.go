package main

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"nightshift/remediate/agent"
)

// shutDownWithin is 5 s less than the TimeoutStopSec= of rave-vm.service, which bounds
// each command of ExecStop= (systemd.service(5)).
const shutDownWithin = 40 * time.Second

// shutDownCommand is what the unit of a virtual machine runs when it is stopped. It
// needs neither an agent nor an inventory.
func (c *cli) shutDownCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "shut-down SOCKET [PID]",
		Short: "Press the power button of a QEMU until its guest has shut down",
		Long: "Press the power button of the QEMU with that process and that monitor until its guest has shut down.\n" +
			"It is the ExecStop= of rave-vm.service: without it a stop of the unit is a power cut for the guest.",
		Args:   cobra.RangeArgs(1, 2),
		Hidden: true,
	}
	within := command.Flags().Duration("within", shutDownWithin, "what the guest has for that; less than the unit's TimeoutStopSec=")
	command.RunE = func(cmd *cobra.Command, args []string) error { return shutDown(cmd.Context(), args, *within) }
	return command
}

// shutDown takes $MAINPID as the second argument; without it the QEMU has ended.
func shutDown(ctx context.Context, args []string, within time.Duration) error {
	pid := 0
	if len(args) == 2 {
		var err error
		if pid, err = strconv.Atoi(args[1]); err != nil || pid <= 0 {
			return wrongUse("cannot shut down process %q: expected the number of QEMU's", args[1])
		}
	}
	return agent.ShutDown(ctx, args[0], pid, within)
}
