package runbook

import (
	"context"
	"strings"
	"sync"
	"testing"

	"nightshift/remediate"
)

func TestADatabaseOutOfConnectionsIsRestarted(t *testing.T) {
	c := begin(t, on.LeakConnections, func(ctx context.Context) error {
		_, err := on.Exec(ctx, "systemctl", "restart", "grafana.service") // what it holds of dead connections
		return err
	})
	c.fixed("database", "restart postgresql")
	c.anew("postgresql.service")
	if _, err := on.ExecAs(t.Context(), "grafana", "psql", "--command=SELECT 1"); err != nil {
		t.Error(err)
	}
}

// TestMemoryExhaustion is in this order: after many kills the next is no news for a while.
func TestMemoryExhaustion(t *testing.T) {
	t.Run("is ended by a restart of who took it", testMemoryThatRanOutIsFreedByWhatTookIt)
	t.Run("is handed over with limits where no restart helps", testWhatNoRestartHelpsIsLimitedAndHandedOver)
}

// testMemoryThatRanOutIsFreedByWhatTookIt has the kernel kill a report, really: it is not
// at fault, and can be made again once grafana has let go.
func testMemoryThatRanOutIsFreedByWhatTookIt(t *testing.T) {
	c := begin(t, on.StarveReport, nil)
	c.fixed("memory-exhaustion", "restart prometheus", "restart grafana")
	c.anew("grafana.service", "prometheus.service")
	if err := on.Report(t.Context()); err != nil {
		t.Error(err)
	}
}

// testWhatNoRestartHelpsIsLimitedAndHandedOver: whoever takes the memory is nobody of
// the inventory, so all that is on the ladder is tried, and people get it with the
// limits on. They take them back.
func testWhatNoRestartHelpsIsLimitedAndHandedOver(t *testing.T) {
	before := allowances(t)
	reports, enough := context.WithCancel(t.Context())
	var made sync.WaitGroup
	c := begin(t, func(ctx context.Context) error {
		if err := on.Crowd(ctx); err != nil {
			return err
		}
		made.Go(func() { on.MakeReports(reports) })
		return nil
	}, on.Uncrowd)
	t.Cleanup(made.Wait)
	t.Cleanup(enough)
	story := c.await("memory-exhaustion", remediate.Escalated)
	c.tried(story, remediate.NotFixed, "restart prometheus", "restart grafana", "restart the dispatcher", "restart nginx", "limit what can be limited")
	enough()
	c.limited(safeMode)
	c.anew("grafana.service", "nginx.service", "prometheus.service", "webhook-dispatcher.service")
	c.run("safe-mode-off")
	c.limited(before)
	// Left to itself it ends a while after the alert: no other test is to join it.
	if _, err := on.Exec(t.Context(), "nightshift", "close", "--force", string(story.Incident.ID), "--comment", "the hoard is gone"); err != nil {
		t.Error(err)
	}
}

func TestANetworkIsRestartedOnceAPersonSaysSo(t *testing.T) {
	c := begin(t, on.LoseRoute, nil)
	c.approve("network", "restart the network")
	c.fixed("network", "restart the network")
	c.anew()
	if out, err := on.Exec(t.Context(), "ip", "route", "show", "default"); err != nil || !strings.Contains(out, "203.0.113.1") {
		t.Errorf("the way to everywhere is %q (%v)", out, err)
	}
}
