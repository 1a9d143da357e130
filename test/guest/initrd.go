package guest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// modules are what Debian's cloud kernel leaves out of itself and a guest
// needs, by their paths below the kernel's own directory, each after those that
// it uses.
var modules = []string{
	"drivers/virtio/virtio_ring", "drivers/virtio/virtio",
	"drivers/virtio/virtio_pci_legacy_dev", "drivers/virtio/virtio_pci_modern_dev", "drivers/virtio/virtio_pci",
	"net/core/failover", "drivers/net/net_failover", "drivers/net/virtio_net",
	"drivers/block/virtio_blk", "drivers/char/virtio_console",
	"drivers/acpi/button", "drivers/input/evdev",
	"drivers/misc/pvpanic/pvpanic", "drivers/misc/pvpanic/pvpanic-mmio",
}

// ModulesFile lists the modules in the initramfs in the order of their loading.
const ModulesFile = "/modules/order"

// Recipe is the arguments with which mmdebstrap, given a suite and a directory,
// fetches the kernel and nothing but what a guest needs of it: 20 s, 10 MB.
func Recipe() []string {
	recipe := []string{
		"--variant=extract", "--include=linux-image-cloud-amd64",
		"--dpkgopt=path-exclude=*", "--dpkgopt=path-include=/boot/vmlinuz-*",
	}
	for _, m := range modules {
		recipe = append(recipe, "--dpkgopt=path-include=/lib/modules/*/kernel/"+m+".ko")
	}
	return recipe
}

// Kernel is the path of the kernel in a directory that the recipe filled.
func Kernel(dir string) (string, error) { return only(dir, "boot/vmlinuz-*") }

// WriteInitrd writes the initramfs: the program init, and the modules of a
// directory that the recipe filled. It is not compressed, which would cost more
// in an emulated machine than it saves.
func WriteInitrd(w io.Writer, dir, init string) error { return writeInitrd(w, dir, init, nil) }

// WriteInitrdWith is WriteInitrd with an agent to run.
func WriteInitrdWith(w io.Writer, dir, init string, agent Agent) error {
	return writeInitrd(w, dir, init, &agent)
}

func writeInitrd(w io.Writer, dir, init string, agent *Agent) error {
	a := archive{w: w}
	a.addDirectories("dev", "proc", "sys", "modules")
	a.addFile("init", init)
	if agent != nil {
		agent.addTo(&a)
	}
	return errors.Join(a.addModules(dir), a.close())
}

// addModules adds the modules, and their order.
func (a *archive) addModules(dir string) error {
	var order []string
	for _, m := range modules {
		path, err := only(dir, "lib/modules/*/kernel/"+m+".ko")
		if err != nil {
			return err
		}
		a.addFile("modules/"+filepath.Base(path), path)
		order = append(order, filepath.Base(path))
	}
	a.add(strings.TrimPrefix(ModulesFile, "/"), modeFile|0o644, []byte(strings.Join(order, "\n")))
	return nil
}

// only is the one file that matches.
func only(dir, pattern string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("cannot find the one %s below %s: there are %d (%v)", pattern, dir, len(found), err)
	}
	return found[0], nil
}

// archive writes cpio's "newc" format, which the kernel unpacks
// (Documentation/driver-api/early-userspace/buffer-format.rst). The first
// error is kept.
type archive struct {
	w     io.Writer
	files int
	err   error
}

// The kinds of file, as in inode(7).
const (
	modeDirectory = 0o040000
	modeFile      = 0o100000
	trailer       = "TRAILER!!!"
)

func (a *archive) addDirectories(names ...string) {
	for _, name := range names {
		a.add(strings.TrimPrefix(name, "/"), modeDirectory|0o755, nil)
	}
}

func (a *archive) addFile(name, from string) {
	content, err := os.ReadFile(from)
	if err != nil && a.err == nil {
		a.err = fmt.Errorf("cannot put %s into the initramfs: %w", name, err)
	}
	a.add(name, modeFile|0o755, content)
}

func (a *archive) add(name string, mode int, content []byte) {
	a.files++
	fields := []int{a.files, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0}
	header := "070701"
	for _, f := range fields {
		header += fmt.Sprintf("%08X", f)
	}
	a.write(padded([]byte(header + name + "\x00")))
	a.write(padded(content))
}

func (a *archive) close() error {
	a.add(trailer, 0, nil)
	return a.err
}

func (a *archive) write(p []byte) {
	if a.err == nil {
		_, a.err = a.w.Write(p)
	}
}

// padded rounds up to 4 bytes, on which everything begins.
func padded(p []byte) []byte { return append(p, make([]byte, -len(p)&3)...) }
