// Init is the whole user land of a small virtual machine, see package guest: it
// loads the modules, finds the disks, and serves what they say, for as long as
// the image's behaviour lets it. It runs as process 1: when it ends, the kernel
// panics.
package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"nightshift/test/guest"
)

func main() {
	m, err := rise()
	if err == nil {
		err = m.live()
	}
	panicKernel(err)
}

// rise makes a machine of a kernel.
func rise() (*machine, error) {
	for _, m := range []struct{ kind, at string }{{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}} {
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return nil, fmt.Errorf("cannot mount %s: %w", m.at, err)
		}
	}
	if err := loadModules(); err != nil {
		return nil, err
	}
	if err := networkUp(); err != nil {
		return nil, err
	}
	return openMachine()
}

// live behaves as the image says; it returns when the machine is to die.
func (m *machine) live() error {
	fmt.Printf("guest: image %s, boot %d, epoch %s\n", m.image.Name, m.boots, m.epoch)
	if m.image.Behaviour == guest.NoBoot {
		return fmt.Errorf("image %s does not boot", m.image.Name)
	}
	m.obeyPowerButton()
	if err := startAgent(); err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- m.serve() }()
	select {
	case err := <-served:
		return err
	case <-m.fate():
		if m.image.Behaviour == guest.Hang {
			m.hung.Store(true)
			select {}
		}
		return fmt.Errorf("image %s crashes", m.image.Name)
	}
}

// fate comes for an image that serves only for a while.
func (m *machine) fate() <-chan time.Time {
	if m.image.Behaviour == guest.Crash || m.image.Behaviour == guest.Hang {
		return time.After(m.image.After)
	}
	return nil
}

// panicKernel ends process 1, which the kernel does not survive.
func panicKernel(why error) {
	fmt.Println("guest:", why)
	os.Exit(1)
}
