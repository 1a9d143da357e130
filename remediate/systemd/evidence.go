package systemd

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"

	"nightshift/remediate"
)

// shown are the properties of a unit that are evidence, in this order. Never what
// it is started with or in (ExecStart, Environment): those hold passwords.
var shown = []string{
	"Id", "LoadState", "ActiveState", "SubState", "Result", "Type", "UnitFileState", "NeedDaemonReload",
	"ExecMainPID", "ExecMainCode", "ExecMainStatus", "StatusErrno", "Restart", "NRestarts", "ConditionResult",
	"InvocationID", "ControlGroup", "MemoryCurrent", "MemoryHigh", "MemoryMax", "TasksCurrent", "TasksMax",
	"CPUUsageNSec", "StartLimitBurst", "StartLimitIntervalUSec", "StateChangeTimestamp",
	"ActiveEnterTimestamp", "ActiveExitTimestamp", "InactiveEnterTimestamp",
}

// Bounds of the lines of a journal: what a look may ask for, and what it gets
// when it does not say.
const (
	mostLines    = 500
	defaultLines = 50
)

// See looks at a unit, at all units, or at a unit's journal. Secrets in what
// programs log are blotted out as far as they look like secrets. Evidence that
// can't be had says why; it is never an error.
func (u *Units) See(ctx context.Context, look remediate.Look, target remediate.Target) remediate.Evidence {
	seen := remediate.Evidence{Look: look}
	text, err := u.see(ctx, look, target)
	if err != nil {
		seen.Error = remediate.Brief(err.Error())
	}
	seen.Text = text
	return seen
}

func (u *Units) see(ctx context.Context, look remediate.Look, target remediate.Target) (string, error) {
	if look.What == remediate.SeeUnits {
		return u.seeUnits(ctx)
	}
	if look.What == remediate.SeeOOM {
		return seeOOM(ctx, look.Lines)
	}
	if look.Of != "" {
		target = remediate.Unit(look.Of)
	}
	name, err := unitOf(target)
	if err != nil {
		return "", err
	}
	switch look.What {
	case remediate.SeeUnit:
		return u.seeUnit(ctx, name)
	case remediate.SeeJournal:
		return u.seeJournal(ctx, name, look.Lines)
	}
	return "", fmt.Errorf("cannot look at %q here: expected %s, %s or %s",
		look.What, remediate.SeeUnit, remediate.SeeUnits, remediate.SeeJournal)
}

// seeUnit is one Name=value a line.
func (u *Units) seeUnit(ctx context.Context, name string) (string, error) {
	p, err := u.properties(ctx, name, (*sd.Conn).GetAllPropertiesContext)
	if err != nil {
		return "", err
	}
	var lines strings.Builder
	for _, property := range shown {
		if value, ok := p[property]; ok {
			fmt.Fprintf(&lines, "%s=%s\n", property, remediate.Printable(show(property, value)))
		}
	}
	return lines.String(), nil
}

// show writes a value as systemctl would, but for times, which are in UTC.
func show(name string, value any) string {
	switch v := value.(type) {
	case []byte:
		return hex.EncodeToString(v)
	case uint64:
		return showNumber(name, v)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	}
	return fmt.Sprint(value)
}

func showNumber(name string, v uint64) string {
	switch {
	case v == ^uint64(0):
		return "infinity" // or "not counted": systemd has one value for both
	case strings.HasSuffix(name, "Timestamp") && v == 0:
		return "never"
	case strings.HasSuffix(name, "Timestamp"):
		return time.UnixMicro(int64(v)).UTC().Format(time.RFC3339Nano)
	case strings.HasSuffix(name, "USec"):
		return microseconds(v).String()
	}
	return fmt.Sprint(v)
}

// seeUnits is a table with a line for each unit of the inventory.
func (u *Units) seeUnits(ctx context.Context) (string, error) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "UNIT\tSTATE\tRESULT\tRESTARTS\tSINCE")
	for _, name := range u.names() {
		p, err := u.properties(ctx, name, (*sd.Conn).GetAllPropertiesContext)
		if err != nil {
			return "", err // the next would not fare better
		}
		s := p.parse(name)
		since := show("StateChangeTimestamp", p["StateChangeTimestamp"])
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", name, s, s.result, s.restarts, since)
	}
	err := w.Flush()
	return table.String(), err
}

// memoryRanOut is what the kernel and systemd log of it: mm/oom_kill.c, and
// SD_MESSAGE_UNIT_OUT_OF_MEMORY of sd-messages(3).
const memoryRanOut = "--grep=Out of memory|oom-kill:|OOM killer"

// seeOOM is who was killed because memory ran out, since this boot, the last ones
// at the end.
func seeOOM(ctx context.Context, lines int) (string, error) {
	if lines <= 0 {
		lines = defaultLines
	}
	entries, err := readJournal(ctx, min(lines, mostLines), "--boot", memoryRanOut, "--case-sensitive=yes")
	if err != nil {
		return "", err
	}
	if len(entries) == 0 {
		return "the journal of this boot tells of none\n", nil
	}
	return showEntries(entries), nil
}

// seeJournal is the last lines of a unit's journal, oldest first. It can be seen
// without systemd too, but for a unit that is known by an alias.
func (u *Units) seeJournal(ctx context.Context, name string, lines int) (string, error) {
	if lines <= 0 {
		lines = defaultLines
	}
	if now, err := u.glance(ctx, name); err == nil {
		name = now.name
	}
	entries, err := readJournal(ctx, min(lines, mostLines), "--unit="+name)
	if err != nil {
		return "", err
	}
	return showEntries(entries), nil
}

// showEntries writes one a line.
func showEntries(entries []entry) string {
	var shown strings.Builder
	for _, e := range entries {
		at := time.UnixMicro(int64(e.Real)).UTC().Format("2006-01-02T15:04:05.000Z")
		message := remediate.Printable(remediate.Redact(string(e.Message)))
		fmt.Fprintf(&shown, "%s %s: %s\n", at, remediate.Printable(string(e.Identifier)), message)
	}
	return shown.String()
}
