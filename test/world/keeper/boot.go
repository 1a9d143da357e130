package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// systemdProgram is the first process of a Debian system.
const systemdProgram = "/lib/systemd/systemd"

// forbidden are the capabilities with which a world could change the host
// that it runs on: load modules, set the clock, read the kernel's log, and
// reach devices.
var forbidden = []uintptr{unix.CAP_SYS_MODULE, unix.CAP_SYS_TIME, unix.CAP_SYSLOG, unix.CAP_SYS_RAWIO}

// boot is the first process of a world. It waits on standard input until it
// stands in its control groups, furnishes the namespaces, and becomes systemd.
func boot(dir, root, hostname string) error {
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("cannot enter a cgroup namespace: %w", err)
	}
	if err := unix.Sethostname([]byte(hostname)); err != nil {
		return fmt.Errorf("cannot set the host's name: %w", err)
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	if err := lengthenQueues(); err != nil {
		return err
	}
	groups, err := readGroups(dir)
	if err != nil {
		return err
	}
	if err := furnish(root, groups); err != nil {
		return err
	}
	if err := pivot(root); err != nil {
		return err
	}
	for _, capability := range forbidden {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); err != nil {
			return fmt.Errorf("cannot drop capability %d: %w", capability, err)
		}
	}
	// $container is systemd's own interface for "you are not on bare metal":
	// it leaves the clock, the kernel's settings and the console alone.
	env := []string{"container=nightshift", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
	return fmt.Errorf("cannot become systemd: %w", unix.Exec(systemdProgram, []string{"systemd", "--show-status=no"}, env))
}

// loopbackUp raises the only interface of the world's network.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("cannot open a socket to raise lo: %w", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("cannot raise lo: %w", err)
	}
	return nil
}

// queueLength is how many datagrams wait on a socket of this world's network: what
// systemd itself sets on a real machine (sysctl.d/50-default.conf has 512). With
// the kernel's 10, systemd drops lines of the journal when the machine is busy.
const queueLength = "512"

// lengthenQueues sets it; the setting belongs to the network namespace.
func lengthenQueues() error {
	const name = "/proc/sys/net/unix/max_dgram_qlen"
	if err := os.WriteFile(name, []byte(queueLength), 0); err != nil {
		return fmt.Errorf("cannot lengthen the queues of sockets: %w", err)
	}
	return nil
}

// pivot makes root the root and forgets the host's.
func pivot(root string) error {
	if err := unix.Chdir(root); err != nil {
		return fmt.Errorf("cannot enter %s: %w", root, err)
	}
	// With both arguments ".", the old root ends up mounted over the new one
	// (pivot_root(2), NOTES), from where it can be detached.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("cannot pivot into %s: %w", root, err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("cannot detach the host's root: %w", err)
	}
	return unix.Chdir("/")
}
