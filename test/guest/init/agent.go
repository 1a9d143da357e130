package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"nightshift/remediate/qemu/link"
	"nightshift/test/guest"
)

// environment is the agent's.
var environment = []string{
	"PATH=/", "HOME=/",
	"NIGHTSHIFT_CONFIG=" + guest.AgentInventory, "NIGHTSHIFT_MODE=act",
	"NIGHTSHIFT_STATE_DIR=" + guest.AgentState, "NIGHTSHIFT_WEBHOOK_TOKEN_FILE=" + guest.AgentToken,
	fmt.Sprintf("NIGHTSHIFT_LISTEN=0.0.0.0:%d", guest.AgentPort), "NIGHTSHIFT_LOG_FORMAT=text", "NO_COLOR=1",
}

// startAgent runs the agent for as long as the machine does, if the initramfs has one.
func startAgent() error {
	if _, err := os.Stat(guest.AgentProgram); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := mountState(); err != nil {
		return err
	}
	if err := linkPort(); err != nil {
		return err
	}
	go func() {
		for {
			err := command("run").Run()
			fmt.Println("guest: the agent ended:", err)
			time.Sleep(time.Second)
		}
	}()
	return nil
}

// mountState mounts the disk that the agent's state lies on.
func mountState() error {
	device := findDisk(guest.StateSerial)
	if device == "" {
		return errors.New("cannot run the agent without a disk for its state")
	}
	if err := unix.Mount(device, guest.AgentState, "ext4", 0, ""); err != nil {
		return fmt.Errorf("cannot mount %s: %w", device, err)
	}
	return nil
}

// linkPort makes the link to the port to the host, as udev would.
func linkPort() error {
	device, err := guest.FindPort(link.Port)
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(link.Device), 0o755), os.Symlink(device, link.Device))
}

// command is the program with the agent's settings, its words on the console.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(guest.AgentProgram, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment, os.Stdout, os.Stderr
	return cmd
}

// nightshift runs the command line as who is logged in there as root, its input what
// is posted, and answers what it writes.
func nightshift(w http.ResponseWriter, r *http.Request) {
	cmd := command(r.URL.Query()["arg"]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r.Body, nil, nil
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(out) // who asked may be gone
}
