package world

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"nightshift/test/guest"
)

// Where a world with QEMU has the guest that package guest is about.
const (
	GuestKernel = "/usr/lib/rave/guest/vmlinuz"
	GuestInitrd = "/usr/lib/rave/guest/initrd"
)

// withQEMU says whether a world has QEMU and the guest.
func (o Options) withQEMU() bool { return o.QEMU || o.Services == VMHost }

// guestKernel is the directory of the guest's kernel and modules, fetched when
// the cache has none: about 15 s and 15 MB.
func guestKernel(ctx context.Context, c cache, log io.Writer) (string, error) {
	return bootstrap(ctx, c, log, "kernel", guest.Recipe())
}

// installGuest puts the guest's kernel and initramfs into a world.
func (w *World) installGuest(ctx context.Context, c cache, o Options) error {
	dir, err := guestKernel(ctx, c, o.Log)
	if err != nil {
		return err
	}
	kernel, err := guest.Kernel(dir)
	if err != nil {
		return err
	}
	if err := w.CopyIn(kernel, GuestKernel); err != nil {
		return err
	}
	init, err := buildOwn(ctx, c, "guest/init")
	if err != nil {
		return err
	}
	if err := w.WriteFile(GuestInitrd, nil, 0o644); err != nil {
		return err
	}
	initrd, err := os.OpenFile(w.Path(GuestInitrd), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(guest.WriteInitrd(initrd, dir, init), initrd.Close())
}

// vmHostFiles are the files of a VM's host that are the same in each world, laid
// out as they lie in its root.
//
//go:embed vmhost
var vmHostFiles embed.FS

// vmHostShipped is what this project ships for such a host, below deploy/, and
// where it belongs.
var vmHostShipped = map[string]string{
	"prometheus/rave-vm.yml":              "/etc/prometheus/rules/rave-vm.yml",
	"prometheus/nightshift.yml":           "/etc/prometheus/rules/nightshift.yml",
	"prometheus/watchdog.yml":             "/etc/prometheus/rules/watchdog.yml",
	"rave-host/alertmanager.yml":          "/etc/prometheus/alertmanager.yml",
	"rave-host/blackbox.yml":              "/etc/prometheus/blackbox.yml",
	"systemd/rave-vm.service":             "/etc/systemd/system/rave-vm.service",
	"systemd/rave-proof.service":          "/etc/systemd/system/rave-proof.service",
	"systemd/nightshift-promote@.service": "/etc/systemd/system/nightshift-promote@.service",
	"systemd/rave-vm.sysusers":            "/usr/lib/sysusers.d/rave-vm.conf",
	"systemd/rave-vm.tmpfiles":            "/usr/lib/tmpfiles.d/rave-vm.conf",

	"systemd/nightshift.service.d/rave-vm.conf": "/usr/lib/systemd/system/nightshift.service.d/rave-vm.conf",
}

// furnishVMHost puts QEMU's unit and its monitoring into a world that has not
// booted yet. Prometheus waits for the VM, see startVM.
func (w *World) furnishVMHost(ctx context.Context, o Options) error {
	w.token = rand.Text()
	steps := []func() error{
		func() error { return w.writeFiles(vmHostFiles, "vmhost") },
		func() error { return w.writeShipped(ctx, vmHostShipped) },
		func() error { return w.writeVMHostPrometheus(ctx) },
		w.writeAuthority,
		func() error {
			return w.writeArguments([]string{"prometheus", "prometheus-alertmanager", "prometheus-blackbox-exporter"})
		},
		func() error { return w.WriteFile("/etc/prometheus/nightshift.token", []byte(w.token), 0o600) },
		func() error { return w.installAlertmanager(ctx, o) },
		func() error {
			return w.enable("prometheus-alertmanager.service", "prometheus-blackbox-exporter.service")
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// writeVMHostPrometheus installs the shipped Prometheus of such a host with the
// guest's port changed: the guest that stands for RAVE has no TLS.
func (w *World) writeVMHostPrometheus(ctx context.Context) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy/rave-host/prometheus.yml"))
	if err != nil {
		return err
	}
	const secure = "https://localhost:3002/"
	if n := bytes.Count(text, []byte(secure)); n != 1 {
		return fmt.Errorf("cannot have the guest asked without TLS: the shipped Prometheus asks %s %d times, want once", secure, n)
	}
	return w.writeDivided("/etc/prometheus/prometheus.yml", bytes.ReplaceAll(text, []byte(secure), []byte(VMEndpoint)))
}

// writeAuthority makes the authority that the shipped blackbox exporter wants to
// read, whom it asks or not.
func (w *World) writeAuthority() (err error) {
	if w.authority, err = newAuthority(time.Now()); err != nil {
		return err
	}
	return w.WriteFile("/etc/rave/ca.pem", w.authority.pem(), 0o644)
}
