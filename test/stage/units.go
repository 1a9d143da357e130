package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"
)

// The units of the stage, by the names that the coded playbooks know.
const (
	Dispatcher = "webhook-dispatcher.service"
	Prometheus = "prometheus.service"
	Grafana    = "grafana.service"
	Nginx      = "nginx.service"
	// Denied is one whose name is on the deny list; only an inventory that lists
	// it knows it.
	Denied = "ssh.service"
)

// deniedUnit is its line in an inventory.
const deniedUnit = Denied + ": {}"

// Units are those that every inventory of the stage has.
var Units = []string{Dispatcher, Prometheus, Grafana, Nginx}

// The probes of the inventory; each looks for a file of its name.
const (
	WebhookErrors = "webhook-errors"
	Memory        = "memory"
)

// folder is where units are told what to do and say what they did.
const folder = "/run/stage"

// unitFile is the same for each: start says that it starts and mends what it can,
// then life is how long it lives.
const unitFile = `[Unit]
Description=stand-in of the stage
[Service]
ExecStartPre=/usr/lib/stage/start %N
ExecStart=/usr/lib/stage/life %N
ExecReload=/bin/true
Restart=on-failure
RestartSec=100ms
`

// start notes the invocation, waits as long as it is told to, and makes the
// probes healthy that this unit mends.
const start = `#!/bin/sh
cd ` + folder + `
echo "$INVOCATION_ID" >>"$1.starts"
while [ -e "$1.slow" ]; do sleep 0.02; done
for probe in $(cat "$1.mends" 2>/dev/null); do echo ok >"$probe.ok"; done
`

// life is a shell command of the test's; without one the unit lives until it is
// stopped.
const life = `#!/bin/sh
cd ` + folder + `
[ -e "$1.life" ] && exec /bin/sh "$1.life"
exec sleep infinity
`

// hurry has systemd bring the agent back at once; the shipped unit waits 2 s. Any
// pause but none would be rounded up by as much as 250 ms.
const hurry = "[Service]\nRestartSec=0\n"

func (s *Stage) writeUnits(ctx context.Context) error {
	var problems []error
	write := func(path, text string, mode fs.FileMode) {
		problems = append(problems, s.World.WriteFile(path, []byte(text), mode))
	}
	write("/usr/lib/stage/start", start, 0o755)
	write("/usr/lib/stage/life", life, 0o755)
	write("/etc/systemd/system/"+AgentUnit+".d/hurry.conf", hurry, 0o644)
	for _, unit := range append(slices.Clone(Units), Denied) {
		write("/etc/systemd/system/"+unit, unitFile, 0o644)
	}
	return errors.Join(append(problems, s.bus.ReloadContext(ctx))...)
}

// resetUnits brings every unit back to where tests begin: running, well, started
// once, and the dispatcher mending the errors of webhooks, grafana the memory.
func (s *Stage) resetUnits(t *testing.T) {
	t.Helper()
	all := append(slices.Clone(Units), Denied)
	for _, unit := range all {
		s.Stop(t, unit)
		_ = s.bus.ResetFailedUnitContext(t.Context(), unit) // one that is not loaded has nothing to reset
	}
	if err := os.RemoveAll(s.World.Path(folder)); err != nil {
		t.Fatal(err)
	}
	s.Write(t, WebhookErrors+".ok", "ok\n")
	s.Write(t, Memory+".ok", "ok\n")
	s.Mends(t, Dispatcher, WebhookErrors)
	s.Mends(t, Grafana, Memory)
	for _, unit := range all {
		s.Start(t, unit)
	}
}

// Uninstall takes the unit's file away until the test ends.
func (s *Stage) Uninstall(t *testing.T, unit string) {
	t.Helper()
	s.Stop(t, unit)
	path := "/etc/systemd/system/" + unit
	reload := func(err error) {
		if err := errors.Join(err, s.bus.ReloadContext(context.WithoutCancel(t.Context()))); err != nil {
			t.Fatal(err)
		}
	}
	reload(os.Remove(s.World.Path(path)))
	t.Cleanup(func() { reload(s.World.WriteFile(path, []byte(unitFile), 0o644)) })
}

// Hangs has a unit depend on another by Requires= until the test ends, so that a
// restart of that takes it along.
func (s *Stage) Hangs(t *testing.T, unit, on string) {
	t.Helper()
	path := "/run/systemd/system/" + unit + ".d/hangs.conf"
	reload := func(err error) {
		if err := errors.Join(err, s.bus.ReloadContext(context.WithoutCancel(t.Context()))); err != nil {
			t.Fatal(err)
		}
	}
	reload(s.World.WriteFile(path, []byte("[Unit]\nRequires="+on+"\nAfter="+on+"\n"), 0o644))
	t.Cleanup(func() { reload(os.Remove(s.World.Path(path))) })
}

// name is a unit's without its suffix: how its files in the folder begin.
func name(unit string) string { return strings.TrimSuffix(unit, ".service") }

// Write writes a file of the folder.
func (s *Stage) Write(t *testing.T, file, text string) {
	t.Helper()
	if err := s.World.WriteFile(filepath.Join(folder, file), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Remove removes a file of the folder, if it is there.
func (s *Stage) Remove(t *testing.T, file string) {
	t.Helper()
	err := os.Remove(s.World.Path(filepath.Join(folder, file)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

// Mends says which probes a start of the unit makes healthy; none makes it a unit
// whose restart is of no use.
func (s *Stage) Mends(t *testing.T, unit string, probes ...string) {
	t.Helper()
	s.Write(t, name(unit)+".mends", strings.Join(probes, " ")+"\n")
}

// Lives has every later start of the unit run a shell command; its end is the
// unit's.
func (s *Stage) Lives(t *testing.T, unit, command string) {
	t.Helper()
	s.Write(t, name(unit)+".life", command+"\n")
}

// Slow has every later start of the unit wait until [Stage.Quick].
func (s *Stage) Slow(t *testing.T, unit string) {
	t.Helper()
	s.Write(t, name(unit)+".slow", "")
}

// Quick ends that.
func (s *Stage) Quick(t *testing.T, unit string) {
	t.Helper()
	s.Remove(t, name(unit)+".slow")
}

// Break makes a probe unhealthy.
func (s *Stage) Break(t *testing.T, probe string) {
	t.Helper()
	s.Remove(t, probe+".ok")
}

// WellFor is how long ago the probe was made healthy; negative while it is not.
func (s *Stage) WellFor(t *testing.T, probe string) time.Duration {
	t.Helper()
	info, err := os.Stat(s.World.Path(filepath.Join(folder, probe+".ok")))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return -1
	case err != nil:
		t.Fatal(err)
	}
	return time.Since(info.ModTime())
}

// Starts are the invocations of the unit since the test began, the first of them
// the stage's own.
func (s *Stage) Starts(t *testing.T, unit string) []string {
	t.Helper()
	text, err := os.ReadFile(s.World.Path(filepath.Join(folder, name(unit)+".starts")))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// LastStart is when the unit was started last.
func (s *Stage) LastStart(t *testing.T, unit string) time.Time {
	t.Helper()
	info, err := os.Stat(s.World.Path(filepath.Join(folder, name(unit)+".starts")))
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// Start, Stop and Restart are what a person does with systemctl: they wait for
// the end of the job.
func (s *Stage) Start(t *testing.T, unit string) {
	t.Helper()
	s.job(t, s.bus.StartUnitContext, unit)
}

// Stop stops the unit.
func (s *Stage) Stop(t *testing.T, unit string) {
	t.Helper()
	s.job(t, s.bus.StopUnitContext, unit)
}

// Restart restarts the unit.
func (s *Stage) Restart(t *testing.T, unit string) {
	t.Helper()
	s.job(t, s.bus.RestartUnitContext, unit)
}

func (s *Stage) job(t *testing.T, do func(context.Context, string, string, chan<- string) (int, error), unit string) {
	t.Helper()
	// Also when the test is over and cleans up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), jobWithin)
	defer cancel()
	done := make(chan string, 1)
	if _, err := do(ctx, unit, "replace", done); err != nil {
		t.Fatalf("cannot have systemd do a job of %s: %v", unit, err)
	}
	select {
	case result := <-done:
		if result != "done" {
			t.Fatalf("a job of %s ended %q", unit, result)
		}
	case <-ctx.Done():
		t.Fatalf("a job of %s did not end within %s", unit, jobWithin)
	}
}

// jobWithin is longer than systemd's own patience with a unit, TimeoutStopSec=.
const jobWithin = 2 * time.Minute

// StartAside starts the unit and does not wait: a person who goes on.
func (s *Stage) StartAside(t *testing.T, unit string) {
	t.Helper()
	if _, err := s.bus.StartUnitContext(t.Context(), unit, "replace", nil); err != nil {
		t.Fatal(err)
	}
}

// State is a unit's ActiveState and SubState: "active (running)".
func (s *Stage) State(t *testing.T, unit string) string {
	t.Helper()
	p, err := s.bus.GetUnitPropertiesContext(t.Context(), unit)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s (%s)", p["ActiveState"], p["SubState"])
}

// property reads one of a service's own properties.
func (s *Stage) property(t *testing.T, unit, property string) any {
	t.Helper()
	p, err := s.bus.GetServicePropertyContext(t.Context(), unit, property)
	if err != nil {
		t.Fatal(err)
	}
	return p.Value.Value()
}

// Kill sends SIGKILL to a unit's main process, if it has one.
func (s *Stage) Kill(ctx context.Context, unit string) error {
	return s.bus.KillUnitWithTarget(ctx, unit, sd.Main, int32(syscall.SIGKILL))
}
