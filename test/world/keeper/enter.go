package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// everything is each namespace that a world has of its own.
const everything = namespaces | unix.CLONE_NEWCGROUP

// searchPath is where a world's programs are looked for.
var searchPath = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"}

// enter runs a program inside the world whose systemd is process PID here,
// with our standard streams and environment, and ends as it ends.
func enter(dir, pid, as, workDir string, argv []string) error {
	groups, err := readGroups(dir)
	if err != nil {
		return fmt.Errorf("cannot find the world's control groups, is it running? %w", err)
	}
	first, err := strconv.Atoi(pid)
	if err != nil {
		return fmt.Errorf("cannot read process number %q: %w", pid, err)
	}
	world, err := unix.PidfdOpen(first, 0)
	if err != nil {
		return fmt.Errorf("cannot reach the world's systemd, process %d: %w", first, err)
	}
	if err := groups.add(os.Getpid()); err != nil {
		return err
	}
	// Threads of one process share a root directory; setns(2) refuses a mount
	// namespace to a thread that does.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("cannot leave the shared root: %w", err)
	}
	if err := unix.Setns(world, everything); err != nil {
		return fmt.Errorf("cannot enter the world's namespaces: %w", err)
	}
	return runInside(as, workDir, argv)
}

func runInside(as, workDir string, argv []string) error {
	account, credential, err := lookUp(as)
	if err != nil {
		return err
	}
	program, err := find(argv[0])
	if err != nil {
		return err
	}
	// A parent-death signal cannot see over the border of a PID namespace, so
	// whoever wants the program ended asks us, by SIGTERM.
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.Args, cmd.Dir = argv, workDir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "HOME="+account.HomeDir, "USER="+as, "LOGNAME="+as)
	// In a process group of its own, so that a "kill 0" inside stays inside. At a
	// terminal only the group in the foreground may read what is typed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Setpgid: true, Foreground: hasTerminal(), Ctty: stdin}
	return cmd.Run()
}

// stdin is the number of the standard input.
const stdin = 0

// hasTerminal reports whether a person types at our standard input: whether that is our
// terminal, and we are in its foreground.
func hasTerminal() bool {
	group, err := unix.IoctlGetInt(stdin, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// lookUp reads the world's own user database.
func lookUp(name string) (*user.User, *syscall.Credential, error) {
	account, err := user.Lookup(name)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot become %q: %w", name, err)
	}
	names, err := account.GroupIds()
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the groups of %q: %w", name, err)
	}
	credential := &syscall.Credential{Uid: number(account.Uid), Gid: number(account.Gid)}
	for _, id := range names {
		credential.Groups = append(credential.Groups, number(id))
	}
	return account, credential, nil
}

// number reads a user or group id that the user database has vouched for.
func number(id string) uint32 {
	n, _ := strconv.ParseUint(id, 10, 32)
	return uint32(n)
}

func find(program string) (string, error) {
	if filepath.IsAbs(program) {
		return program, nil
	}
	for _, dir := range searchPath {
		path := filepath.Join(dir, program)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("cannot find program %q inside the world in %v", program, searchPath)
}
