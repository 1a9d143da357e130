package world

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Reboot is a loss of power and a new start: everything in the world is killed at
// once, what was written stays, /run and /tmp are new, and so is the network: what
// Listen returned is deaf from here on. It returns when the start-up is done, also
// when units failed in it.
func (w *World) Reboot(ctx context.Context) error {
	if err := w.boot(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, bootDeadline)
	defer cancel()
	_, err := w.awaitBooted(ctx)
	return err
}

// boot starts the world's systemd; from here on its root is the real one.
func (w *World) boot() error {
	if _, err := io.WriteString(w.keeper.control, "boot\n"); err != nil {
		return fmt.Errorf("cannot boot the world: %s", w.keeper.log)
	}
	pid, err := w.keeper.expect("pid")
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(pid, 10, 64)
	if err != nil {
		return fmt.Errorf("cannot read the number of the world's systemd: %w", err)
	}
	w.pid.Store(n)
	return nil
}

// awaitRunning waits until the start-up's jobs are done, and takes no answer
// but "running".
func (w *World) awaitRunning(ctx context.Context) error {
	state, err := w.awaitBooted(ctx)
	if err == nil && state != "running" {
		err = fmt.Errorf("cannot use the world: it is %s\n%s", state, w.failures(ctx))
	}
	return err
}

// awaitBooted waits until the start-up's jobs are done, and returns systemd's word
// for how that went.
func (w *World) awaitBooted(ctx context.Context) (string, error) {
	for {
		out, err := w.Exec(ctx, "systemctl", "is-system-running", "--wait")
		switch state := strings.TrimSpace(out); {
		case state == "running" || state == "degraded" || state == "maintenance":
			return state, nil
		case ctx.Err() != nil:
			return "", fmt.Errorf("cannot boot the world within %s: %v\n%s", bootDeadline, err, w.keeper.log)
		}
		if err := w.keeper.alive(); err != nil {
			return "", err
		}
		time.Sleep(bootPoll)
	}
}

// failures tells which units failed, and what they said.
func (w *World) failures(ctx context.Context) string {
	units, _ := w.Exec(ctx, "systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager")
	said, _ := w.Exec(ctx, "journalctl", "--boot", "--priority=warning", "--no-pager", "--lines=40")
	return units + said
}
