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

// root is what worlds are copies of: Debian with some packages.
type root struct {
	packages []string // mmdebstrap leaves out what is only recommended
	// disabled are the services that Debian's packages would start by
	// themselves: a world says which of them it wants.
	disabled []string
}

// siteRoot is for bare worlds and sites, vmRoot for those with QEMU.
var (
	siteRoot = root{
		packages: []string{
			"systemd", "systemd-sysv", "dbus", "polkitd", "procps", "ca-certificates", "curl",
			"nginx-light", "postgresql", "prometheus", "prometheus-alertmanager",
			"prometheus-node-exporter", "prometheus-blackbox-exporter", "nftables",
		},
		disabled: []string{
			"nftables.service",
			"nginx.service", "postgresql.service", "prometheus.service", "prometheus-alertmanager.service",
			"prometheus-node-exporter.service", "prometheus-blackbox-exporter.service",
		},
	}
	vmRoot = root{
		packages: []string{
			"systemd", "systemd-sysv", "dbus", "polkitd", "procps", "ca-certificates", "curl",
			"prometheus", "prometheus-alertmanager", "prometheus-blackbox-exporter",
			"qemu-system-x86", "qemu-utils",
		},
		disabled: []string{"prometheus.service", "prometheus-alertmanager.service", "prometheus-blackbox-exporter.service"},
	}
)

// rootFor is the root that a world of this kind needs.
func rootFor(o Options) root {
	if o.withQEMU() {
		return vmRoot
	}
	return siteRoot
}

// leftOut keeps half of the size out of the cache.
var leftOut = []string{"/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*"}

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

// build returns the root's directory, building it when the cache has none of
// this recipe: about 45 s and 650 MB.
func (r root) build(ctx context.Context, c cache, log io.Writer) (string, error) {
	return bootstrap(ctx, c, log, "root", r.recipe())
}

// recipe is mmdebstrap's arguments; the cache knows a root by them.
func (r root) recipe() []string {
	recipe := []string{"--variant=minbase", "--include=" + strings.Join(r.packages, ",")}
	for _, glob := range leftOut {
		recipe = append(recipe, "--dpkgopt=path-exclude="+glob)
	}
	off := append([]string{"chroot \"$1\" systemctl disable --quiet"}, r.disabled...)
	mask := append([]string{"chroot \"$1\" systemctl mask --quiet"}, masked...)
	return append(recipe,
		"--customize-hook="+strings.Join(off, " "),
		"--customize-hook="+strings.Join(mask, " "))
}

// bootstrap fills a directory with Debian's packages, once for each recipe.
func bootstrap(ctx context.Context, c cache, log io.Writer, what string, recipe []string) (string, error) {
	return c.once(what+"-"+digest(recipe...), func(partial string) error {
		if err := prepareHost(ctx, log); err != nil {
			return err
		}
		fmt.Fprintf(log, "world: making a %s of Debian %s, %s\n", what, suite, recipe[1])
		start := time.Now()
		cmd := exec.CommandContext(ctx, "mmdebstrap", append(recipe, suite, partial)...)
		if err := runLogged(cmd, log, "is a Debian mirror within reach?"); err != nil {
			_ = os.RemoveAll(partial)
			return err
		}
		fmt.Fprintf(log, "world: %s made in %s\n", what, time.Since(start).Round(time.Second))
		return nil
	})
}
