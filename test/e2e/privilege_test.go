package e2e

import (
	"strings"
	"testing"

	"nightshift/test/stage"
)

// ask calls a method of systemd's manager as the agent's user, past the agent.
func ask(t *testing.T, method string, arguments ...string) error {
	t.Helper()
	argv := append([]string{
		"busctl", "--system", "--quiet", "--allow-interactive-authorization=false", "call",
		"org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", method,
	}, arguments...)
	_, err := on.World.ExecAs(t.Context(), "nightshift", argv...)
	return err
}

// The verbs that the shipped rule grants, and how D-Bus names them.
var granted = []string{"StartUnit", "StopUnit", "RestartUnit", "ReloadUnit"}

func TestTheAgentsUserMayActOnExactlyTheInventorysUnits(t *testing.T) {
	on.Begin(t, stage.Option{})
	for _, unit := range stage.Units {
		for _, method := range granted {
			if err := ask(t, method, "ss", unit, "replace"); err != nil {
				t.Errorf("%s of %s is refused: %v", method, unit, err)
			}
		}
		if err := ask(t, "ResetFailedUnit", "s", unit); err != nil {
			t.Errorf("ResetFailedUnit of %s is refused: %v", unit, err)
		}
	}
	for _, unit := range []string{"dbus.service", "nightshift.service", "systemd-journald.service", "postgresql.service"} {
		for _, method := range granted {
			wantRefused(t, method+" of "+unit, ask(t, method, "ss", unit, "replace"))
		}
	}
}

func TestTheAgentsUserMayDoNothingElse(t *testing.T) {
	on.Begin(t, stage.Option{})
	for name, arguments := range map[string][]string{
		"a property of its unit":      {"SetUnitProperties", "sba(sv)", stage.Nginx, "true", "1", "MemoryMax", "t", "1048576"},
		"a transient unit":            {"StartTransientUnit", "ssa(sv)a(sa(sv))", "mine.service", "replace", "1", "Description", "s", "mine", "0"},
		"a transient unit, same name": {"StartTransientUnit", "ssa(sv)a(sa(sv))", stage.Nginx, "replace", "1", "Description", "s", "mine", "0"},
		"reading all units anew":      {"Reload"},
		"starting systemd anew":       {"Reexecute"},
		"a reboot":                    {"Reboot"},
		"enabling its unit":           {"EnableUnitFiles", "asbb", "1", stage.Nginx, "true", "true"},
		"masking its unit":            {"MaskUnitFiles", "asbb", "1", stage.Nginx, "true", "true"},
		"a signal to its unit":        {"KillUnit", "ssi", stage.Nginx, "all", "9"},
		"the environment of units":    {"SetEnvironment", "as", "1", "LD_PRELOAD=/tmp/mine.so"},
		"the failures of all units":   {"ResetFailed"},
	} {
		wantRefused(t, name, ask(t, arguments[0], arguments[1:]...))
	}
}

// wantRefused takes only a refusal for one: a call that failed otherwise proves
// nothing.
func wantRefused(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s is allowed", what)
		return
	}
	for _, refusal := range []string{"Access denied", "Interactive authentication required", "Permission denied"} {
		if strings.Contains(err.Error(), refusal) {
			return
		}
	}
	t.Errorf("%s failed, but was not refused: %v", what, err)
}
