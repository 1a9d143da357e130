package qemu

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// handle is a process by pidfd_open(2): never another one of the same number. Unlike
// /proc it is there for a process of the same user in another user namespace, which
// PrivateUsers= makes for each command of a unit (measured with Linux 6.18).
type handle struct{ fd int }

// openHandle is nil for a process that is not there.
func openHandle(pid int) (*handle, error) {
	if pid <= 0 {
		return nil, nil
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil, nil
	}
	if err != nil {
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	return &handle{fd}, nil
}

// gone reports whether it has ended: pidfd_open(2) makes that readable.
func (h *handle) gone() bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(h.fd), Events: unix.POLLIN}}, 0)
	return err == nil && n > 0
}

func (h *handle) signal(s unix.Signal) error {
	if err := unix.PidfdSendSignal(h.fd, s, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return os.NewSyscallError("pidfd_send_signal", err)
	}
	return nil
}

func (h *handle) close() { _ = unix.Close(h.fd) }
