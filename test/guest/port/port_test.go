package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"nightshift/remediate/qemu/link"
	"nightshift/test/guest"
	"nightshift/test/world"
)

// machine runs a virtual machine with a port until the test ends; socket is the port
// as its host has it.
func machine(t *testing.T) (socket string) {
	t.Helper()
	dir := t.TempDir()
	initrd := filepath.Join(dir, "initrd")
	kernel, err := world.MakeGuest(t.Context(), "guest/port", initrd, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "guest.sock")
	qemu := exec.Command("qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-cpu", "max", "-m", "192",
		"-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio",
		"-chardev", "socket,id=guest,path="+socket+",server=on,wait=off",
		"-device", "virtio-serial-pci", "-device", "virtserialport,chardev=guest,name="+link.Port,
		"-kernel", kernel, "-initrd", initrd, "-append", guest.CommandLine)
	qemu.Stdout, qemu.Stderr = t.Output(), t.Output()
	if err := qemu.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = qemu.Process.Kill()
		_ = qemu.Wait() // it was killed
	})
	return socket
}

// hearing is a host that listens to the machine.
func hearing(socket string) (*link.Host, chan link.Status) {
	heard := make(chan link.Status, 1000)
	return link.NewHost(link.DialSocket(socket), func(s link.Status) { heard <- s }), heard
}

// until waits for a status that fits.
func until(t *testing.T, heard chan link.Status, what string, fits func(link.Status) bool) link.Status {
	t.Helper()
	deadline := time.After(2 * time.Minute) // a boot takes 3 s, on a machine with nothing else to do
	for {
		select {
		case s := <-heard:
			if fits(s) {
				return s
			}
		case <-deadline:
			t.Fatalf("the machine never said %s", what)
		}
	}
}

// TestTheLineOverARealPort has both ends restarted in turn, which a port answers with
// bytes that are dropped, ends of file, and writes that would wait for ever.
func TestTheLineOverARealPort(t *testing.T) {
	socket := machine(t)
	host, heard := hearing(socket)
	first := until(t, heard, "anything", func(link.Status) bool { return true })
	order(t, host)
	until(t, heard, "that it was told", func(s link.Status) bool { return s.Escalated >= 1 })

	later := until(t, heard, "anything after its agent was restarted", func(s link.Status) bool { return s.Version != first.Version })
	order(t, host)
	host.Close()

	host, heard = hearing(socket)
	defer host.Close()
	until(t, heard, "anything to the host that was restarted", func(s link.Status) bool { return s.Escalated >= 2 })
	order(t, host)
	until(t, heard, "that the third order reached it", func(s link.Status) bool { return s.Escalated >= 3 })
	until(t, heard, "anything after another restart", func(s link.Status) bool { return s.Version != later.Version && s.Escalated >= 3 })
}

func order(t *testing.T, host *link.Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := host.StandAside(ctx, 3*time.Minute, "a test"); err != nil {
		t.Fatal(err)
	}
}
