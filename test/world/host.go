package world

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// hostPackages are what the host itself needs, by the program that proves it.
var hostPackages = map[string]string{"mmdebstrap": "mmdebstrap"}

// hostPackageNames are the same, for people.
func hostPackageNames() []string { return slices.Sorted(maps.Values(hostPackages)) }

// requireRoot is the first thing that a start asks.
func requireRoot() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("cannot make a world as user %d: namespaces, mounts and control groups need root: run this as root", os.Geteuid())
	}
	return nil
}

// prepareHost installs from Debian what is missing on the host to build a
// world, after it has said so.
func prepareHost(ctx context.Context, log io.Writer) error {
	var missing []string
	for program, name := range hostPackages {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("cannot find %s, nor apt-get to install it: install it by hand, or use Debian 12", strings.Join(missing, ", "))
	}
	fmt.Fprintf(log, "world: as root, installing from Debian on this host: %s\n", strings.Join(missing, " "))
	if err := aptGet(ctx, log, "update"); err != nil {
		return err
	}
	return aptGet(ctx, log, append([]string{"install", "--yes", "--no-install-recommends"}, missing...)...)
}

func aptGet(ctx context.Context, log io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"--quiet"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	return runLogged(cmd, log, "is the network up, and is a Debian mirror configured below /etc/apt?")
}

// runLogged runs a host's program. Its output is progress; when it fails the
// end of it is the error, with advice on what to look at.
func runLogged(cmd *exec.Cmd, log io.Writer, advice string) error {
	tail := &tailBuffer{limit: 4096}
	both := io.MultiWriter(log, tail)
	cmd.Stdout, cmd.Stderr = both, both
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cannot run %s: %w; %s\n%s", strings.Join(cmd.Args, " "), err, advice, tail)
	}
	return nil
}
