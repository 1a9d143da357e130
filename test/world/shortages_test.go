package world

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// patient bounds what waits for the site.
func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// systemctl does to units of the site what a person would.
func systemctl(t *testing.T, args ...string) {
	t.Helper()
	if _, err := site.Exec(t.Context(), append([]string{"systemctl"}, args...)...); err != nil {
		t.Fatal(err)
	}
}

func TestADeliveredCertificateIsServedOnceNginxReloads(t *testing.T) {
	for name, until := range map[string]time.Duration{"expired": -time.Minute, "soon expired": 3 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			ends := time.Now().Add(until).Truncate(time.Second)
			if err := site.AgeCertificate(t.Context(), ends); err != nil {
				t.Fatal(err)
			}
			old, err := site.Served(t.Context())
			if err != nil || !old.Until.Equal(ends) {
				t.Errorf("nginx serves a certificate until %s (%v), want %s", old.Until, err, ends)
			}
			_, err = status(t.Context(), site.HTTPClient(), "https://localhost:3002/")
			if expired := until < 0; expired != (err != nil) {
				t.Errorf("a client says %v", err)
			}
			systemctl(t, "restart", "sops-nix")
			systemctl(t, "reload", "nginx")
			if err := site.until(patient(t), "nginx to serve a later certificate", func() (bool, error) {
				now, err := site.Served(t.Context())
				return err == nil && now.Serial.Cmp(old.Serial) != 0 && now.Until.After(old.Until), err
			}); err != nil {
				t.Error(err)
			}
			if err := site.AwaitHealthy(patient(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestADatabaseOutOfConnectionsRefusesUntilItIsRestarted(t *testing.T) {
	if err := site.LeakConnections(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := site.ExecAs(t.Context(), "grafana", "psql", "--command=SELECT 1")
	if err == nil || !strings.Contains(err.Error(), "remaining connection slots are reserved") {
		t.Errorf("the database says %v, want that it is out of connections", err)
	}
	const health = "http://localhost:3030/api/health"
	if code, err := status(t.Context(), site.HTTPClient(), health); err != nil || code != http.StatusServiceUnavailable {
		t.Errorf("grafana says that it is %d (%v), want 503", code, err)
	}
	systemctl(t, "restart", "postgresql")
	if code, err := status(t.Context(), site.HTTPClient(), health); err != nil || code != http.StatusOK {
		t.Errorf("grafana says that it is %d (%v), want 200", code, err)
	}
	systemctl(t, "restart", "grafana")
}

func TestAUnitThatRunsAwayUsesAProcessorUntilItIsRestarted(t *testing.T) {
	if err := site.SpinGrafana(t.Context()); err != nil {
		t.Fatal(err)
	}
	used := func() (total int) {
		out, err := site.Exec(t.Context(), "head", "--lines=1", "/run/rave/proc/stat")
		if err == nil {
			_, err = fmt.Sscanf(out, "cpu %d", &total)
		}
		if err != nil {
			t.Fatal(err)
		}
		return total
	}
	begin := used()
	const second = 100 // proc(5), USER_HZ
	if err := site.until(patient(t), "the site to have computed for a second", func() (bool, error) { return used()-begin > second, nil }); err != nil {
		t.Error(err)
	}
	systemctl(t, "restart", "grafana")
}

func TestAReportThatFindsNoMemoryIsKilledUntilThereIsSome(t *testing.T) {
	if err := site.StarveReport(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := site.until(patient(t), "the kill to be seen", func() (bool, error) {
		seen, err := site.Exec(t.Context(), "grep", "oom_kill", "/run/rave/proc/vmstat")
		return seen != "oom_kill 0\n", err
	}); err != nil {
		t.Error(err)
	}
	systemctl(t, "restart", "grafana")
	if err := site.Report(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestASmallDiskFillsUp(t *testing.T) {
	if err := site.FillDisk(t.Context()); err != nil {
		t.Fatal(err)
	}
	if size, free, err := site.Disk(); err != nil || size > diskBytes || free > size/20 {
		t.Errorf("%d of %d bytes are free (%v), want next to none of a small disk", free, size, err)
	}
	if err := site.CleanDisk(); err != nil {
		t.Fatal(err)
	}
}

func TestALostRouteIsBackOnceItsManagerIsRestarted(t *testing.T) {
	route := func() string {
		out, err := site.Exec(t.Context(), "ip", "route", "show", "default")
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if before := route(); !strings.Contains(before, "203.0.113.1") {
		t.Fatalf("the site's way to everywhere is %q", before)
	}
	if err := site.LoseRoute(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := route(); after != "" {
		t.Errorf("there is a way still: %q", after)
	}
	systemctl(t, "restart", "systemd-networkd")
	if err := site.until(patient(t), "the route to be back", func() (bool, error) { return route() != "", nil }); err != nil {
		t.Error(err)
	}
}

func TestASilentResolverResolvesAgainOnceItIsRestarted(t *testing.T) {
	resolves := func() bool {
		_, err := site.Exec(t.Context(), "getent", "ahostsv4", "cache.nixos.org")
		return err == nil
	}
	if !resolves() {
		t.Fatal("the site can't resolve cache.nixos.org")
	}
	if err := site.SilenceResolver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if resolves() {
		t.Error("the site can still resolve cache.nixos.org")
	}
	systemctl(t, "restart", "rave-resolver")
	if err := site.until(patient(t), "names to be resolved again", func() (bool, error) { return resolves(), nil }); err != nil {
		t.Error(err)
	}
}
