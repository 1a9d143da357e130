package world

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// outputGrace is how long a program's heirs may keep its output open after it
// has ended.
const outputGrace = 5 * time.Second

// Command prepares a program to run inside the world, in all of its
// namespaces and below its control groups, as the given user in "/". Its
// streams and Env are the caller's to set; Env starts with a plain PATH and
// LANG. When ctx ends the program is killed. An exec.ExitError carries the
// program's own status, 125 that it could not be started.
func (w *World) Command(ctx context.Context, user string, argv ...string) *exec.Cmd {
	return w.commandIn(ctx, "/", user, argv...)
}

func (w *World) commandIn(ctx context.Context, dir, user string, argv ...string) *exec.Cmd {
	args := append([]string{"enter", w.keeper.dir, strconv.FormatInt(w.pid.Load(), 10), user, dir, "--"}, argv...)
	cmd := exec.CommandContext(ctx, w.tool, args...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG=C.UTF-8"}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = outputGrace
	return cmd
}

// Exec runs a program as root inside the world and returns its standard
// output. The error holds its standard error.
func (w *World) Exec(ctx context.Context, argv ...string) (string, error) {
	return w.ExecAs(ctx, "root", argv...)
}

// ExecAs is Exec as another user of the world, with that user's groups.
func (w *World) ExecAs(ctx context.Context, user string, argv ...string) (string, error) {
	cmd := w.Command(ctx, user, argv...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("cannot run %q in the world: %w: %s",
			strings.Join(argv, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
