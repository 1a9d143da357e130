package world

import (
	"context"
	"crypto/rand"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// siteFiles are the site's files that are the same in each world, laid out as
// they lie in its root.
//
//go:embed site
var siteFiles embed.FS

// enabled are the units that a site starts.
var enabled = []string{
	"nginx.service", "postgresql.service", "rave-database.service", "grafana.service",
	"webhook-dispatcher.service", "prometheus.service", "prometheus-alertmanager.service",
	"prometheus-node-exporter.service", "prometheus-blackbox-exporter.service",
	"rave-meminfo.service", "gitlab.service", "sops-nix.service", "var-tmp.mount",
	"systemd-networkd.service", "rave-resolver.service", "rave-report.service",
}

// roles are the names that the stand-in program is called by.
var roles = []string{"grafana", "webhook-dispatcher", "gitlab", "meminfo", "report", "resolver"}

// furnishSite puts a RAVE site into a world that has not booted yet.
func (w *World) furnishSite(ctx context.Context, c cache, o Options) error {
	steps := []func() error{
		func() error { return w.writeFiles(siteFiles, "site") },
		func() error { return w.writeShipped(ctx, siteShipped) },
		func() error { return w.writeArguments(siteArguments) },
		w.writeInterval,
		w.writeSecrets,
		func() error { return w.installRoles(ctx, c) },
		func() error { return w.installAlertmanager(ctx, o) },
		func() error { return w.makeSmallDisk(ctx) },
		func() error { return w.enable(enabled...) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	// Debian's example server would listen on port 80.
	return os.Remove(w.Path("/etc/nginx/sites-enabled/default"))
}

// writeFiles copies the embedded files of a directory; Prometheus' are divided.
func (w *World) writeFiles(files embed.FS, dir string) error {
	return fs.WalkDir(files, dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		target := strings.TrimPrefix(path, dir)
		if target == "/etc/prometheus/prometheus.yml" {
			return w.writeDivided(target, text)
		}
		return w.WriteFile(target, text, 0o644)
	})
}

// siteShipped is what this project ships for a site's Prometheus and
// Alertmanager, below deploy/, and where it belongs.
var siteShipped = map[string]string{
	"prometheus/rave.yml":           "/etc/prometheus/rules/rave.yml",
	"prometheus/rave-scenarios.yml": "/etc/prometheus/rules/rave-scenarios.yml",
	"prometheus/nightshift.yml":     "/etc/prometheus/rules/nightshift.yml",
	"prometheus/watchdog.yml":       "/etc/prometheus/rules/watchdog.yml",
	"alertmanager/alertmanager.yml": "/etc/prometheus/alertmanager.yml",
}

// writeShipped installs files of deploy/ with nothing changed but the
// durations of those in YAML.
func (w *World) writeShipped(ctx context.Context, shipped map[string]string) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	for from, to := range shipped {
		text, err := os.ReadFile(filepath.Join(root, "deploy", from))
		if err != nil {
			return err
		}
		write := w.writeDivided
		if filepath.Ext(from) != ".yml" {
			write = func(path string, text []byte) error { return w.WriteFile(path, text, 0o644) }
		}
		if err := write(to, text); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) writeDivided(path string, text []byte) error {
	divided, err := divideYAML(text, w.factor)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return w.WriteFile(path, divided, 0o644)
}

// siteArguments are the services of a site that are told by their arguments.
var siteArguments = []string{
	"prometheus", "prometheus-alertmanager", "prometheus-blackbox-exporter", "prometheus-node-exporter",
}

// writeArguments sets the command lines of Debian's services where Debian has
// them. Durations on them are divided as those in files are; their shipped
// values are the programs' own defaults.
func (w *World) writeArguments(services []string) error {
	per := func(d time.Duration) string { return (d / time.Duration(w.factor)).Round(time.Millisecond).String() }
	arguments := map[string][]string{
		"prometheus": {
			"--web.listen-address=127.0.0.1:9090",
			"--rules.alert.resend-delay=" + per(time.Minute),
			"--rules.alert.for-grace-period=" + per(10*time.Minute),
			"--rules.alert.for-outage-tolerance=" + per(time.Hour),
		},
		"prometheus-alertmanager": {
			"--config.file=/etc/prometheus/alertmanager.yml",
			"--storage.path=/var/lib/prometheus/alertmanager/",
			"--web.listen-address=127.0.0.1:9093",
			"--cluster.listen-address=", // one host, no cluster
		},
		"prometheus-node-exporter": {
			"--web.listen-address=127.0.0.1:9100", "--path.procfs=/run/rave/proc",
			"--collector.disable-defaults", "--collector.meminfo", "--collector.loadavg",
			"--collector.vmstat", "--collector.stat", "--collector.cpu",
			// The root is as large as the disk of whoever runs this.
			"--collector.filesystem", "--collector.filesystem.mount-points-exclude=^/$|^/(dev|proc|sys|run|tmp)($|/)",
		},
		"prometheus-blackbox-exporter": {
			"--config.file=/etc/prometheus/blackbox.yml", "--web.listen-address=127.0.0.1:9115",
			// What does not answer has to be told as that within the scrape, which
			// is as short as 300 ms, however busy the machine.
			fmt.Sprintf("--timeout-offset=%.3f", 3/float64(w.factor)),
		},
	}
	for _, service := range services {
		text := "ARGS=\"" + strings.Join(arguments[service], " ") + "\"\n"
		if err := w.WriteFile("/etc/default/"+service, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writeInterval sets GitLab's pace: a webhook a second of the site's own time,
// as long as that is no more than four of ours: 24 in "5 minutes" even at a
// factor of 50.
func (w *World) writeInterval() error {
	interval := max(time.Second/time.Duration(w.factor), 250*time.Millisecond)
	return w.WriteFile("/etc/systemd/system/gitlab.service.d/interval.conf",
		fmt.Appendf(nil, "[Service]\nEnvironment=GITLAB_INTERVAL=%s\n", interval), 0o644)
}

// writeSecrets makes the world's secrets. Their owners do not exist before
// the world has booted: tmpfiles.d gives them their files.
func (w *World) writeSecrets() (err error) {
	if w.authority, err = newAuthority(time.Now()); err != nil {
		return err
	}
	if err := w.WriteFile("/etc/rave/ca.pem", w.authority.pem(), 0o644); err != nil {
		return err
	}
	gitlab := rand.Text()
	w.token = rand.Text()
	secret := map[string]string{
		"/etc/rave/secrets/webhook-gitlab-secret": gitlab + "\n",
		"/etc/gitlab/webhook.token":               gitlab + "\n",
		"/etc/prometheus/nightshift.token":        w.token,
	}
	for path, content := range secret {
		if err := w.WriteFile(path, []byte(content), 0o600); err != nil {
			return err
		}
	}
	return w.certify(secretsDir, w.authority.certificate.NotAfter)
}

// installRoles installs the stand-in program under each of its names.
func (w *World) installRoles(ctx context.Context, c cache) error {
	program, err := buildOwn(ctx, c, "world/rave")
	if err != nil {
		return err
	}
	if err := w.CopyIn(program, "/usr/lib/rave/rave"); err != nil {
		return err
	}
	for _, role := range roles {
		if err := os.Symlink("rave", w.Path("/usr/lib/rave/"+role)); err != nil {
			return err
		}
	}
	return nil
}

// installAlertmanager replaces Debian's program, when a recent one is wanted;
// the unit stays.
func (w *World) installAlertmanager(ctx context.Context, o Options) error {
	if o.Alertmanager != Recent {
		return nil
	}
	program, err := RecentAlertmanager.Install(ctx, o.Log)
	if err != nil {
		return err
	}
	if err := w.CopyIn(program, "/usr/local/bin/alertmanager"); err != nil {
		return err
	}
	return w.WriteFile("/etc/systemd/system/prometheus-alertmanager.service.d/recent.conf",
		[]byte("[Service]\nExecStart=\nExecStart=/usr/local/bin/alertmanager $ARGS\n"), 0o644)
}

// enable makes units part of the start-up.
func (w *World) enable(units ...string) error {
	const wants = "/etc/systemd/system/multi-user.target.wants"
	for _, unit := range units {
		from := "/etc/systemd/system/" + unit
		if _, err := os.Stat(w.Path(from)); err != nil {
			from = "/lib/systemd/system/" + unit
		}
		if err := os.Symlink(from, w.Path(filepath.Join(wants, unit))); err != nil {
			return fmt.Errorf("cannot enable %s: %w", unit, err)
		}
	}
	return nil
}
