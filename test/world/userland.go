package world

import (
	"context"
	"errors"
	"io"
	"os"

	"nightshift/test/guest"
)

// MakeGuest writes the initramfs of a small virtual machine whose user land is a
// program of this project's tests, "guest/port" for one, and returns the path of the
// kernel that goes with it. What has to be fetched is said in log.
func MakeGuest(ctx context.Context, program, initrd string, log io.Writer) (kernel string, err error) {
	c, err := openCache()
	if err != nil {
		return "", err
	}
	dir, err := guestKernel(ctx, c, log)
	if err != nil {
		return "", err
	}
	init, err := buildOwn(ctx, c, program)
	if err != nil {
		return "", err
	}
	file, err := os.Create(initrd)
	if err != nil {
		return "", err
	}
	if err := errors.Join(guest.WriteInitrd(file, dir, init), file.Close()); err != nil {
		return "", err
	}
	return guest.Kernel(dir)
}

// MakeSystemdGuest writes the initramfs of a virtual machine with systemd as process 1
// and cgroup v2, which runs a program of this project's tests and has the units beside
// it, and returns the path of the kernel that goes with it.
func MakeSystemdGuest(ctx context.Context, program, initrd string, units map[string]string, log io.Writer) (kernel string, err error) {
	c, err := openCache()
	if err != nil {
		return "", err
	}
	dir, err := guestKernel(ctx, c, log)
	if err != nil {
		return "", err
	}
	root, err := siteRoot.build(ctx, c, log)
	if err != nil {
		return "", err
	}
	static, err := buildOwn(ctx, c, program)
	if err != nil {
		return "", err
	}
	file, err := os.Create(initrd)
	if err != nil {
		return "", err
	}
	if err := errors.Join(guest.WriteSystemdInitrd(file, root, static, units), file.Close()); err != nil {
		return "", err
	}
	return guest.Kernel(dir)
}
