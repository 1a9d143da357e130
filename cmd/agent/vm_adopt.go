package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/remediate/agent"
)

// adoptCommand gives a virtual machine its first disks. It needs no agent, and root.
func (c *cli) adoptCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "adopt NAME [DISK=]IMAGE...",
		Short: "Give a virtual machine its first disks: copies of images, made the last known good",
		Long: "Copy an image for each disk that goes back to where the agent can't write, make that the last known\n" +
			"good under NAME, and put each disk on a new overlay on it. It is done once, as root, before the\n" +
			"machine first runs; later ones come by nightshift vm deploy. Disks that stay are yours to make:\n" +
			"qemu-img create -f qcow2 IMAGES/live/DISK.qcow2 SIZE.",
		Example: "  nightshift vm adopt first /root/nixos.qcow2\n  nightshift vm adopt first system=/root/system.qcow2 boot=/root/boot.qcow2",
		Args:    cobra.MinimumNArgs(2),
	}
	var vm string
	c.addVM(command, &vm)
	command.RunE = func(cmd *cobra.Command, args []string) error { return c.adopt(cmd.Context(), vm, args[0], args[1:]) }
	return command
}

func (c *cli) adopt(ctx context.Context, vm, name string, images []string) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	target, err := c.targetVM(ctx, settings, vm)
	if err != nil {
		return err
	}
	from, err := imagesOf(images)
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("cannot adopt %s: it writes where only root may; run it as root", name)
	}
	p := progress{screen: newScreen(c.err), now: c.now, began: c.now()}
	defer p.clear()
	digest, err := agent.Adopt(ctx, settings, target.Name, name, "root", from, p.tell)
	if err != nil {
		return err
	}
	p.clear()
	newScreen(c.out).line(say("checkpoint " + name + " of " + target.Name + " is the last known good and what it starts on, digest " + digest))
	return nil
}

// imagesOf reads DISK=IMAGE, or one IMAGE alone for the only disk.
func imagesOf(args []string) (map[string]string, error) {
	from := map[string]string{}
	for _, arg := range args {
		disk, image, ok := strings.Cut(arg, "=")
		if !ok {
			disk, image = "", arg
		}
		if _, twice := from[disk]; twice || image == "" {
			return nil, wrongUse("cannot adopt %q: expected one image for each disk, DISK=IMAGE", arg)
		}
		path, err := filepath.Abs(image)
		if err != nil {
			return nil, fmt.Errorf("cannot adopt %q: %w", image, err)
		}
		from[disk] = path
	}
	return from, nil
}
