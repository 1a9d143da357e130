package world

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// suite is the Debian release of every world.
const suite = "bookworm"

// packages are what a world's root is made of; mmdebstrap leaves out what is
// only recommended.
var packages = []string{
	"systemd", "systemd-sysv", "dbus", "polkitd", "procps", "ca-certificates", "curl",
	"nginx-light", "postgresql", "prometheus", "prometheus-alertmanager",
	"prometheus-node-exporter", "prometheus-blackbox-exporter",
}

// leftOut keeps half of the size out of the cache.
var leftOut = []string{"/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*"}

// disabled are the services that Debian's packages would start by themselves:
// a site says which of them it wants.
var disabled = []string{
	"nginx.service", "postgresql.service", "prometheus.service", "prometheus-alertmanager.service",
	"prometheus-node-exporter.service", "prometheus-blackbox-exporter.service",
}

// masked are units that have no business in a world: they serve consoles and
// logins, the host's kernel, or housekeeping by the calendar.
var masked = []string{
	"getty.target", "console-getty.service", "systemd-logind.service", "systemd-sysctl.service",
	"systemd-modules-load.service", "systemd-remount-fs.service", "systemd-pstore.service",
	"systemd-update-utmp.service", "systemd-update-utmp-runlevel.service", "systemd-firstboot.service",
	"dev-hugepages.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount",
	"sys-fs-fuse-connections.mount", "proc-sys-fs-binfmt_misc.automount",
	"apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer",
	"e2scrub_all.timer", "e2scrub_reap.service", "logrotate.timer", "systemd-tmpfiles-clean.timer",
}

// buildRoot returns the root that all worlds are copies of, building it when
// the cache has none of this recipe: about 45 s and 650 MB.
func buildRoot(ctx context.Context, c cache, log io.Writer) (string, error) {
	recipe := rootRecipe()
	return c.once("root-"+digest(recipe...), func(partial string) error {
		if err := prepareHost(ctx, log); err != nil {
			return err
		}
		fmt.Fprintf(log, "world: building a Debian %s root with %s\n", suite, strings.Join(packages, " "))
		start := time.Now()
		cmd := exec.CommandContext(ctx, "mmdebstrap", append(recipe, suite, partial)...)
		if err := runLogged(cmd, log, "is a Debian mirror within reach?"); err != nil {
			_ = os.RemoveAll(partial)
			return err
		}
		fmt.Fprintf(log, "world: root built in %s\n", time.Since(start).Round(time.Second))
		return nil
	})
}

// rootRecipe is mmdebstrap's arguments; the cache knows a root by them.
func rootRecipe() []string {
	recipe := []string{"--variant=minbase", "--include=" + strings.Join(packages, ",")}
	for _, glob := range leftOut {
		recipe = append(recipe, "--dpkgopt=path-exclude="+glob)
	}
	off := append([]string{"chroot \"$1\" systemctl disable --quiet"}, disabled...)
	mask := append([]string{"chroot \"$1\" systemctl mask --quiet"}, masked...)
	return append(recipe,
		"--customize-hook="+strings.Join(off, " "),
		"--customize-hook="+strings.Join(mask, " "))
}
