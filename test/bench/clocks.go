package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/journal"
	"nightshift/remediate/systemd"
)

// bootID is this boot's, random(4).
var bootID = first("/proc/sys/kernel/random/boot_id")

// now reads the clocks as the agent does.
func now() remediate.Instant {
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return remediate.Instant{Wall: time.Now().UTC()}
	}
	return remediate.Instant{Wall: time.Now().UTC().Round(0), Boot: bootID, Up: time.Duration(up.Nano())}
}

// longAgo is a clock in an earlier boot.
func longAgo(before time.Duration) func() remediate.Instant {
	return func() remediate.Instant {
		then := now()
		then.Wall, then.Boot = then.Wall.Add(-before), fmt.Sprintf(anotherBoot, "000000000000")
		return then
	}
}

// clockedLog is the log; it notes when each event has become durable.
type clockedLog struct {
	j    *journal.Journal
	seen *courses
}

func (l clockedLog) Append(ctx context.Context, e remediate.Event) error {
	if e.Opened != nil {
		l.seen.opened(e.Incident, e.Opened.Alert.Labels["run"])
	}
	_, err := l.j.Append(ctx, e)
	l.seen.incident(e.Incident, string(e.Type))
	return err
}

func (l clockedLog) KeepEvidence(ctx context.Context, id remediate.ID, text string) (string, error) {
	digest, _, err := l.j.PutEvidence(ctx, id, []byte(text))
	return digest, err
}

// clockedAction restarts a unit, or does as if.
type clockedAction struct {
	remediate.Action
	seen *courses
	acts bool
}

func (a clockedAction) Do(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	a.seen.unit(step.On.Name, effectBegins)
	defer a.seen.mend(step.On.Name)
	if !a.acts {
		return remediate.Receipt{Result: remediate.Done}, nil
	}
	return a.Action.Do(ctx, step, before)
}

// rigWorld is the real systemd, but for what the probes say: a unit is broken from
// its alert to its restart.
type rigWorld struct {
	units *systemd.Units
	seen  *courses
}

func (w rigWorld) Situation(ctx context.Context, on remediate.Target) remediate.Situation {
	s, err := w.units.Situation(ctx, on)
	if err != nil {
		s.Detail = err.Error()
	}
	return s
}

func (w rigWorld) Probe(_ context.Context, name string) remediate.Observation {
	unit, _ := remediate.ProbedUnit(name)
	if w.seen.isBroken(unit) {
		return remediate.Observation{Probe: name, Health: remediate.Unhealthy, Detail: "broken"}
	}
	return remediate.Observation{Probe: name, Health: remediate.Healthy}
}

func (w rigWorld) Silences(context.Context, alerts.Alert) []remediate.Silence { return nil }

func (w rigWorld) Dependants(context.Context, remediate.Deed) ([]string, error) { return nil, nil }

func (w rigWorld) Machine(context.Context, string, *remediate.Asked) remediate.Machine {
	return remediate.Machine{}
}

func (w rigWorld) Busiest(context.Context) remediate.Busy { return remediate.Busy{} }

func (w rigWorld) See(_ context.Context, look remediate.Look, _ remediate.Target) remediate.Evidence {
	return remediate.Evidence{Look: look}
}

// first is the first word of a file.
func first(file string) string {
	text, _ := os.ReadFile(file)
	word, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	return word
}
