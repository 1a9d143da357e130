package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// mount is one line of a mount table.
type mount struct {
	source, target, kind string
	flags                uintptr
	data                 string
}

func (m mount) do() error {
	if err := unix.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
		return fmt.Errorf("cannot mount %s %s on %s: %w", m.kind, m.source, m.target, err)
	}
	return nil
}

func doAll(mounts []mount) error {
	for _, m := range mounts {
		if err := os.MkdirAll(m.target, 0o755); err != nil {
			return err
		}
		if err := m.do(); err != nil {
			return err
		}
	}
	return nil
}

// mountRoot puts a copy-on-write view of lower at DIR/root: an overlay where
// the file system can carry one, else a copy. The keeper has a mount
// namespace of its own, so nothing of this shows on the host or outlives us.
func mountRoot(dir, lower string) error {
	private := mount{source: "none", target: "/", flags: unix.MS_REC | unix.MS_PRIVATE}
	if err := private.do(); err != nil {
		return err
	}
	root, upper, work := filepath.Join(dir, "root"), filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	for _, d := range []string{root, upper, work} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	layers := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work)
	overlay := mount{source: "overlay", target: root, kind: "overlay", data: layers}
	if overlay.do() == nil {
		return nil
	}
	fmt.Fprintln(os.Stderr, "no overlay on this file system: copying the root, which takes a while")
	out, err := exec.Command("cp", "-a", "--reflink=auto", lower+"/.", root).CombinedOutput()
	if err != nil {
		return fmt.Errorf("cannot copy %s: %v: %s", lower, err, out)
	}
	return mount{source: root, target: root, flags: unix.MS_BIND}.do()
}

// removeRoot takes the view away again, with all that was written to it.
func removeRoot(dir string) {
	_ = unix.Unmount(filepath.Join(dir, "root"), unix.MNT_DETACH)
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, "keeper:", err)
	}
}

// furnish mounts what a Linux system expects below root. Nothing of the
// host's /tmp, /run, /var or /etc is shared, and what would change the host's
// kernel is read-only.
func furnish(root string, groups groups) error {
	at := func(path string) string { return filepath.Join(root, path) }
	const plain = unix.MS_NOSUID | unix.MS_NODEV
	const quiet = plain | unix.MS_NOEXEC
	err := doAll([]mount{
		{"none", "/", "", unix.MS_REC | unix.MS_PRIVATE, ""},
		{"proc", at("proc"), "proc", quiet, ""},
		{"sysfs", at("sys"), "sysfs", quiet | unix.MS_RDONLY, ""},
		{"tmpfs", at("sys/fs/cgroup"), "tmpfs", quiet, "mode=755"},
		{"tmpfs", at("dev"), "tmpfs", unix.MS_NOSUID, "mode=755"},
		{"devpts", at("dev/pts"), "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5"},
		{"tmpfs", at("dev/shm"), "tmpfs", plain, "mode=1777"},
		{"tmpfs", at("run"), "tmpfs", plain, "mode=755"},
		{"tmpfs", at("tmp"), "tmpfs", plain, "mode=1777"},
	})
	if err != nil {
		return err
	}
	return errors.Join(
		seal(at("proc/sys")),
		seal(at("proc/sysrq-trigger")),
		devices(at("dev")),
		groups.mount(at("sys/fs/cgroup")),
	)
}

// seal makes a file or directory read-only, where the kernel has it at all.
func seal(path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	const readOnly = unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	return errors.Join(mount{path, path, "", unix.MS_BIND, ""}.do(), mount{"none", path, "", readOnly, ""}.do())
}

// loops is how many loop devices a world knows by name; which of them is free, the
// kernel says.
const loops = 64

// devices makes the nodes that every program may count on, and those by which a file
// is mounted; the numbers are the kernel's (Documentation/admin-guide/devices.txt).
func devices(dev string) error {
	nodes := []struct {
		name         string
		major, minor uint32
	}{{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}}
	for _, n := range nodes {
		path := filepath.Join(dev, n.name)
		if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(n.major, n.minor))); err != nil {
			return fmt.Errorf("cannot make %s: %w", path, err)
		}
		if err := os.Chmod(path, 0o666); err != nil {
			return err
		}
	}
	if err := loopDevices(dev); err != nil {
		return err
	}
	links := map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
		"stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx"}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	return nil
}

func loopDevices(dev string) error {
	if err := unix.Mknod(filepath.Join(dev, "loop-control"), unix.S_IFCHR|0o660, int(unix.Mkdev(10, 237))); err != nil {
		return fmt.Errorf("cannot make the device that gives loop devices: %w", err)
	}
	for n := range uint32(loops) {
		if err := unix.Mknod(filepath.Join(dev, fmt.Sprintf("loop%d", n)), unix.S_IFBLK|0o660, int(unix.Mkdev(7, n))); err != nil {
			return fmt.Errorf("cannot make a loop device: %w", err)
		}
	}
	return nil
}
