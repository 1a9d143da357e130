package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// lockFD is the world's lock as the caller passed it. It stays locked for as
// long as the keeper lives, which is how a later start knows a stale world.
const lockFD = 3

// namespaces are those of a world's first process, but for the cgroup
// namespace: its root is where a process is at the moment it enters, so boot
// does that itself once it has been moved.
const namespaces = unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWUTS |
	unix.CLONE_NEWIPC | unix.CLONE_NEWNET

// hold brings a world up and stays until its caller lets go. The caller reads
// "root" when the files can be changed, orders "boot", and reads "pid N"; a "boot"
// later on is a loss of power and a new start.
func hold(dir, lower, name string) error {
	unix.CloseOnExec(lockFD)
	// When the caller is gone so are the readers of what we say; we have
	// still to tidy up.
	signal.Ignore(unix.SIGPIPE)
	if err := mountRoot(dir, lower); err != nil {
		return err
	}
	defer removeRoot(dir)
	orders := listen(os.Stdin)
	fmt.Println("root")
	for again := <-orders == "boot"; again; {
		var err error
		if again, err = live(dir, name, orders); err != nil {
			return err
		}
	}
	return nil // the caller lets go, or is gone
}

// listen passes the caller's orders on, and closes when it lets go.
func listen(control io.Reader) <-chan string {
	orders := make(chan string)
	go func() {
		defer close(orders)
		for lines := bufio.NewScanner(control); lines.Scan(); {
			orders <- lines.Text()
		}
	}()
	return orders
}

// live is the world from its boot until the caller lets go or wants it to boot
// again. That it ends by itself is an error.
func live(dir, name string, orders <-chan string) (again bool, err error) {
	groups, err := makeGroups(dir, name)
	defer groups.remove()
	if err != nil {
		return false, err
	}
	systemd, err := startFirst(dir, name, groups)
	if err != nil {
		return false, err
	}
	ended := make(chan error, 1)
	go func() { ended <- systemd.Wait() }()
	fmt.Println("pid", systemd.Process.Pid)
	select {
	case err := <-ended:
		return false, fmt.Errorf("the world's systemd ended by itself: %v", err)
	case order := <-orders:
		again = order == "boot"
	}
	// The kernel kills and reaps a PID namespace with its first process.
	_ = systemd.Process.Kill()
	if err := <-ended; err == nil {
		return false, fmt.Errorf("the world's systemd ended by itself")
	}
	return again, nil
}

// startFirst starts the world's first process, moves it into the world's
// control groups, and only then lets it go on.
func startFirst(dir, hostname string, groups groups) (*exec.Cmd, error) {
	wait, release, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer wait.Close()
	defer release.Close()
	cmd := exec.Command("/proc/self/exe", "boot", dir, filepath.Join(dir, "root"), hostname)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = wait, os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start a process in namespaces of its own (root is needed): %w", err)
	}
	if err := groups.add(cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, err
	}
	return cmd, nil
}
