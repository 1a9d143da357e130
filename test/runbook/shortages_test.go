package runbook

import (
	"context"
	"strings"
	"testing"
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

// TestMemoryThatRanOutIsFreedByWhatTookIt has the kernel kill a report, really: it is not
// at fault, and can be made again once grafana has let go.
func TestMemoryThatRanOutIsFreedByWhatTookIt(t *testing.T) {
	c := begin(t, on.StarveReport, nil)
	c.fixed("memory-exhaustion", "restart prometheus", "restart grafana")
	c.anew("grafana.service", "prometheus.service")
	if err := on.Report(t.Context()); err != nil {
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
