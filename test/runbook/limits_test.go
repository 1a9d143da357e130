package runbook

import (
	"context"
	"maps"
	"strings"
	"testing"

	"nightshift/remediate/systemd"
)

// safeMode is what the shipped profile safe gives its units. Where the kernel can only
// kill (cgroup v1), memory is limited by that.
var safeMode = func() map[string]string {
	memory := "MemoryMax"
	if systemd.Unified() {
		memory = "MemoryHigh"
	}
	return map[string]string{
		"prometheus.service": memory + "=268435456 CPUQuotaPerSecUSec=500ms",
		"grafana.service":    memory + "=134217728 CPUQuotaPerSecUSec=250ms",
		"postgresql.service": memory + "=268435456",
	}
}()

// allowances are what the units of SAFE mode may use now, as systemd has it: what is
// without a limit is left out.
func allowances(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for unit := range safeMode {
		properties, err := on.Properties(t.Context(), unit, "MemoryHigh", "MemoryMax", "CPUQuotaPerSecUSec")
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, name := range []string{"MemoryHigh", "MemoryMax", "CPUQuotaPerSecUSec"} {
			if value := properties[name]; value != "infinity" {
				said = append(said, name+"="+value)
			}
		}
		found[unit] = strings.Join(said, " ")
	}
	return found
}

// limited holds what the units of SAFE mode may use now.
func (c *course) limited(want map[string]string) {
	c.t.Helper()
	if got := allowances(c.t); !maps.Equal(got, want) {
		c.t.Errorf("they may use %v, want %v", got, want)
	}
}

// nothing breaks: what is begun by a person needs no fault.
func nothing(context.Context) error { return nil }

func TestSafeModeGoesOnAndOffWhenAPersonSaysSo(t *testing.T) {
	before := allowances(t)
	c := begin(t, nothing, nil)
	c.run("safe-mode")
	story := c.fixed("safe-mode", "limits of SAFE mode")
	c.limited(safeMode)
	for _, r := range receipts(story) {
		t.Logf("%s: %s %v", r.Result, r.Detail, r.Facts)
	}
	c.run("safe-mode-off")
	c.limited(before)
	c.anew() // neither interrupts anybody
}

// TestTheAgentsUserStartsTheLimitsOfTheInventoryAndNoOthers asks polkit, by the rule that
// the agent printed, for what a hijacked agent might want.
func TestTheAgentsUserStartsTheLimitsOfTheInventoryAndNoOthers(t *testing.T) {
	for unit, may := range map[string]bool{
		"nightshift-unlimit@safe:grafana.service.service": true, // which has no limits: nothing is done
		"nightshift-limit@safe:nginx.service.service":     false,
		"nightshift-limit@safe:sshd.service.service":      false,
		"nightshift-limit@x:grafana.service.service":      false,
		"nightshift-unlimit@x:grafana.service.service":    false,
	} {
		_, err := on.ExecAs(t.Context(), "nightshift", "systemctl", "--no-ask-password", "start", unit)
		if (err == nil) != may {
			t.Errorf("the agent's user starts %s: %v, want it to be allowed: %v", unit, err, may)
		}
	}
}
