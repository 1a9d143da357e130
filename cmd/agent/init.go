package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"nightshift/playbooks"
	"nightshift/remediate/agent"
	"nightshift/remediate/inventory"
)

// unitsPatience bounds the asking of systemd for this host's units.
const unitsPatience = 10 * time.Second

func (c *cli) initCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "init",
		Short: "Write an inventory of this host's units, all commented out",
		Long: "Write an inventory of this host's units, all commented out: take the \"# \" away before what\n" +
			"you mean. What is not named is never acted on.",
		Args: cobra.NoArgs,
	}
	output := command.Flags().StringP("output", "o", "", "the `file` to write (default: standard output)")
	force := command.Flags().Bool("force", false, "write over a file that is there")
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		text, err := c.firstInventory(cmd.Context())
		if err != nil {
			return err
		}
		if *output == "" {
			_, err := c.out.Write(text)
			return err
		}
		if err := writeNew(*output, text, *force); err != nil {
			return err
		}
		newScreen(c.err).line(say("wrote " + *output + "; when you have edited it: nightshift config check " + *output))
		return nil
	}
	return command
}

// firstInventory writes what is known of this host. Where systemd can't be asked
// there are no units in it, and that is said.
func (c *cli) firstInventory(ctx context.Context) ([]byte, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("cannot read this host's name: %w", err)
	}
	asking, cancel := context.WithTimeout(ctx, unitsPatience)
	defer cancel()
	units, err := agent.UnitsOfHost(asking)
	if err != nil {
		fmt.Fprintf(c.err, "nightshift: cannot list this host's units: %v; none is in what is written\n", err)
	}
	return inventory.Init(inventory.Found{Host: host, Units: units, Playbooks: playbooks.ForAlerts()}), nil
}

// writeNew writes a file that is not there yet, or over one when told to.
func writeNew(name string, text []byte, force bool) error {
	how := os.O_CREATE | os.O_EXCL
	if force {
		how = os.O_CREATE | os.O_TRUNC
	}
	file, err := os.OpenFile(name, os.O_WRONLY|how, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot write %s: it is there already; name another file, or add --force to write over it", name)
	}
	if err != nil {
		return fmt.Errorf("cannot write the inventory: %w", err)
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("cannot write the inventory: %w", err)
	}
	return nil
}
