// Port is the whole user land of a small virtual machine whose only business is its
// port to the host: it answers there as an agent inside does. Its incidents that
// people have are the orders that it was given, so that the host can count them.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"nightshift/remediate/qemu/link"
	"nightshift/test/guest"
)

func main() {
	fmt.Println("port:", run()) // the kernel panics with us
}

func run() error {
	for _, m := range []struct{ kind, at string }{{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}} {
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return fmt.Errorf("cannot mount %s: %w", m.at, err)
		}
	}
	order, err := os.ReadFile(guest.ModulesFile)
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(string(order)) {
		image, err := os.ReadFile("/modules/" + name)
		if err != nil {
			return err
		}
		if err := unix.InitModule(image, ""); err != nil {
			return fmt.Errorf("cannot load %s: %w", name, err)
		}
	}
	speak()
	return nil
}

// speak answers for ever, in sessions of 5 s, as an agent that is restarted does.
func speak() {
	var orders atomic.Int64
	for session := 1; ; session++ {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		g := link.Guest{
			Open: open,
			Status: func(context.Context) (link.Status, error) {
				return link.Status{Version: fmt.Sprint(session), Host: "small", Epoch: "none", Mode: "act", Escalated: int(orders.Load())}, nil
			},
			StandAside: func(_ context.Context, lasts time.Duration, reason string) error {
				orders.Add(1)
				fmt.Println("port: told to stand aside for", lasts, "because of", reason)
				return nil
			},
			Every: time.Second, Log: slog.Default(),
		}
		g.Run(ctx)
		cancel()
	}
}

// open opens the port.
func open() (link.Stream, error) {
	device, err := guest.FindPort(link.Port)
	if err != nil {
		return nil, err
	}
	return link.OpenPort(device)
}
