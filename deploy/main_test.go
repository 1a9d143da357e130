// Package deploy_test holds what this project ships to the programs that will
// read it: Prometheus', Alertmanager's and systemd's own checkers, in a world
// with a real systemd.
package deploy_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"nightshift/test/world"
)

// host is a machine on which everything of this directory is installed, with
// a program in the agent's place that each test chooses.
var host *world.World

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if host, err = world.Start(context.Background(), world.Options{Log: os.Stderr}); err != nil {
		return 1, err
	}
	defer func() {
		if stopped := host.Stop(); err == nil {
			err = stopped
		}
	}()
	if err := install(context.Background()); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// install puts the files where the packages put them.
func install(ctx context.Context) error {
	for from, to := range map[string]string{
		"prometheus/rave.yml":                 "/srv/prometheus/rave.yml",
		"prometheus/rave.test.yml":            "/srv/prometheus/rave.test.yml",
		"prometheus/rave-scenarios.yml":       "/srv/prometheus/rave-scenarios.yml",
		"prometheus/rave-scenarios.test.yml":  "/srv/prometheus/rave-scenarios.test.yml",
		"prometheus/rave-slo.yml":             "/srv/prometheus/rave-slo.yml",
		"prometheus/rave-slo.test.yml":        "/srv/prometheus/rave-slo.test.yml",
		"prometheus/nightshift.yml":           "/srv/prometheus/nightshift.yml",
		"prometheus/nightshift.test.yml":      "/srv/prometheus/nightshift.test.yml",
		"prometheus/watchdog.yml":             "/srv/prometheus/watchdog.yml",
		"prometheus/watchdog.test.yml":        "/srv/prometheus/watchdog.test.yml",
		"alertmanager/alertmanager.yml":       "/srv/alertmanager/alertmanager.yml",
		"rave-host/alertmanager.yml":          "/srv/rave-host/alertmanager.yml",
		"rave-host/blackbox.yml":              "/srv/rave-host/blackbox.yml",
		"rave-host/prometheus.yml":            "/srv/rave-host/prometheus.yml",
		"prometheus/rave-vm.yml":              "/srv/prometheus/rave-vm.yml",
		"prometheus/rave-vm.test.yml":         "/srv/prometheus/rave-vm.test.yml",
		"systemd/nightshift.service":          "/etc/systemd/system/nightshift.service",
		"systemd/nightshift.sysusers":         "/usr/lib/sysusers.d/nightshift.conf",
		"systemd/nightshift-limit@.service":   "/etc/systemd/system/nightshift-limit@.service",
		"systemd/nightshift-unlimit@.service": "/etc/systemd/system/nightshift-unlimit@.service",

		"systemd/rave-vm.service":             "/etc/systemd/system/rave-vm.service",
		"systemd/rave-proof.service":          "/etc/systemd/system/rave-proof.service",
		"systemd/rave-vm.sysusers":            "/usr/lib/sysusers.d/rave-vm.conf",
		"systemd/rave-vm.tmpfiles":            "/usr/lib/tmpfiles.d/rave-vm.conf",
		"systemd/nightshift-promote@.service": "/etc/systemd/system/nightshift-promote@.service",

		"systemd/nightshift-vacuum.service":   "/etc/systemd/system/nightshift-vacuum.service",
		"systemd/nightshift-firewall.service": "/etc/systemd/system/nightshift-firewall.service",
		"systemd/nightshift-tmpclean.service": "/etc/systemd/system/nightshift-tmpclean.service",
		"systemd/nightshift-tmpclean.conf":    "/usr/share/nightshift/nightshift-tmpclean.conf",
		"systemd/nightshift-nix-gc.service":   "/etc/systemd/system/nightshift-nix-gc.service",

		"systemd/nightshift.service.d/rave-vm.conf": "/usr/lib/systemd/system/nightshift.service.d/rave-vm.conf",
	} {
		text, err := os.ReadFile(filepath.FromSlash(from))
		if err != nil {
			return err
		}
		if err := host.WriteFile(to, text, 0o644); err != nil {
			return err
		}
	}
	for _, program := range []string{"/usr/bin/nightshift", "/usr/bin/qemu-system-x86_64", "/run/current-system/sw/bin/nix-collect-garbage"} {
		if err := host.WriteFile(program, []byte("#!/bin/sh\nexec sleep infinity\n"), 0o755); err != nil {
			return err
		}
	}
	for _, argv := range [][]string{{"systemd-sysusers"}, {"systemd-tmpfiles", "--create", "rave-vm.conf"}, {"systemctl", "daemon-reload"}} {
		if _, err := host.Exec(ctx, argv...); err != nil {
			return err
		}
	}
	return nil
}
