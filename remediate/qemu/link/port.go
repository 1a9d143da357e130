package link

import (
	"context"
	"fmt"
	"net"
	"os"
	"syscall"
)

// OpenPort opens a virtio-serial port for one [Guest]; one process has it at a
// time. Reading it says end of file while nobody listens on the host.
func OpenPort(path string) (Stream, error) {
	file, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open the port to the host: %w", err)
	}
	return file, nil
}

// DialSocket connects to QEMU's chardev for a [Host].
func DialSocket(path string) func(context.Context) (Stream, error) {
	return func(ctx context.Context) (Stream, error) {
		var dialer net.Dialer
		c, err := dialer.DialContext(ctx, "unix", path)
		if err != nil {
			return nil, fmt.Errorf("cannot reach the port of the guest: %w", err)
		}
		return c, nil
	}
}
