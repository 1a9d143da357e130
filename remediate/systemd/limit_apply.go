package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// Limits is what a unit is to be given. A zero is no limit.
type Limits struct {
	Profile, Unit string
	// Memory and MemoryMax are in bytes: where the kernel takes memory back, and where
	// it kills.
	Memory, MemoryMax uint64
	// CPU is time of a CPU in each second, CPUWeight as CPUWeight= has it.
	CPU       time.Duration
	CPUWeight uint64
	// For is when they end by themselves.
	For time.Duration
}

// Limiter sets limits of units, and takes them back. It is root's, and runs only for as
// long as that takes: what outlives it, is systemd's.
type Limiter struct {
	// Dir is [LimitDir].
	Dir string
	// Invocation tells this run from every other.
	Invocation string
	// Unified is whether memory is limited by cgroup v2, which has MemoryHigh=.
	Unified bool
	Now     func() time.Time
}

// Unified reports whether the kernel limits memory by cgroup v2: its root lists the
// controllers that it has (Documentation/admin-guide/cgroup-v2.rst).
func Unified() bool {
	text, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers")
	return err == nil && slices.Contains(strings.Fields(string(text)), "memory")
}

// The properties that a profile sets, by their names on the bus, with the names that
// systemd gives their drop-ins.
const (
	memoryHigh = "MemoryHigh"
	memoryMax  = "MemoryMax"
	cpuQuota   = "CPUQuotaPerSecUSec"
	cpuWeight  = "CPUWeight"
)

func dropIn(property string) string {
	return "50-" + strings.TrimSuffix(property, "PerSecUSec") + ".conf"
}

// properties are those that limits set, in this order: memory is taken back before the
// kernel is told where to kill.
func (l Limits) properties(unified bool) []limited {
	high, most := l.Memory, l.MemoryMax
	if !unified {
		high, most = 0, l.MemoryMax
		if most == 0 {
			most = l.Memory
		}
	}
	var all []limited
	for _, p := range []limited{
		{Name: memoryHigh, Set: high}, {Name: memoryMax, Set: most},
		{Name: cpuQuota, Set: uint64(l.CPU.Microseconds())}, {Name: cpuWeight, Set: l.CPUWeight},
	} {
		if p.Set > 0 {
			p.File = dropIn(p.Name)
			all = append(all, p)
		}
	}
	return all
}

// Apply gives a unit its limits, until they are taken back or their time is over. Once
// more is the same as once, but that the time begins anew. What the unit has that is
// stricter stays. An error says why nothing has changed, or that all is taken back.
func (l Limiter) Apply(ctx context.Context, limits Limits) (err error) {
	facts := map[string]string{}
	detail := ""
	defer func() { err = errors.Join(err, l.say(limits.Unit, detail, facts, err)) }()
	c, release, err := l.begin(ctx, limits.Unit)
	if err != nil {
		return err
	}
	defer release()
	now, err := c.unit(ctx, limits.Unit)
	if err != nil {
		return err
	}
	record, err := l.planned(limits, now)
	if err != nil {
		return err
	}
	if err := headroom(record, now, facts); err != nil {
		return err
	}
	if len(record.Properties) == 0 {
		detail = "the unit has stricter limits of its own"
		return nil
	}
	if record, err = l.put(ctx, c, record, limits.For); err != nil {
		return errors.Join(err, l.takeBack(context.WithoutCancel(ctx), c, record, nil))
	}
	detail = record.describe()
	for key, value := range record.facts() {
		facts[key] = value
	}
	return nil
}

// planned is the record of what is to be set, with what each property is now, or was
// before this profile's limits.
func (l Limiter) planned(limits Limits, now properties) (limitRecord, error) {
	old, err := readRecord(l.Dir, limits.Unit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return old, err
	}
	if err == nil && old.Profile != limits.Profile {
		return old, fmt.Errorf("cannot limit %s: it has the limits of %s; take them back first", limits.Unit, old.Profile)
	}
	record := limitRecord{Profile: limits.Profile, Unit: limits.Unit, Timer: old.Timer, Properties: slices.Clone(old.Properties)}
	for _, p := range limits.properties(l.Unified) {
		before, known := old.find(p.Name)
		if !known || !before.On || !before.is(now) {
			p.Before, p.Had = amount(now, p.Name), hasDropIn(limits.Unit, p.File)
		} else {
			p.Before, p.Had, p.On = before.Before, before.Had, before.Set == p.Set
		}
		record.Properties = slices.DeleteFunc(record.Properties, func(o limited) bool { return o.Name == p.Name })
		if p.Set < p.Before {
			record.Properties = append(record.Properties, p)
		}
	}
	return record, nil
}

// headroomNeeded is how many times what a unit uses a new limit must be: 5/4.
const headroomNeeded, headroomOf = 5, 4

// headroom refuses limits of memory that are not a quarter above what the unit uses:
// systemd would answer that they are set, and the kernel would kill the unit.
func headroom(r limitRecord, now properties, facts map[string]string) error {
	used := amount(now, "MemoryCurrent")
	for _, p := range r.Properties {
		if p.On || p.Name != memoryHigh && p.Name != memoryMax {
			continue
		}
		facts["MemoryCurrent"] = figure(used)
		switch {
		case get[string](now, "ActiveState") != active:
			return fmt.Errorf("cannot limit the memory of %s: it is %s, so that nothing tells what it uses", r.Unit, get[string](now, "ActiveState"))
		case used == infinity || used == 0:
			return fmt.Errorf("cannot limit the memory of %s: systemd does not tell what it uses; set MemoryAccounting=yes", r.Unit)
		case used > p.Set/headroomNeeded*headroomOf:
			return fmt.Errorf("cannot limit the memory of %s: it uses %s, and %s %s is less than 1.25 times that; restart it first", r.Unit, mebibytes(used), p.Name, mebibytes(p.Set))
		}
	}
	return nil
}

func mebibytes(n uint64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// put writes down what each property was, starts what takes it back, and only then sets
// one property after the other.
func (l Limiter) put(ctx context.Context, c limitConn, r limitRecord, last time.Duration) (limitRecord, error) {
	old := r.Timer
	r.Timer, r.Until = nextTimer(old, r.Profile, r.Unit), l.Now().Add(last)
	if err := writeJSON(recordFile(l.Dir, r.Unit), r); err != nil {
		return r, fmt.Errorf("cannot keep what %s had: %w", r.Unit, err)
	}
	if err := c.startTimer(ctx, r, last); err != nil {
		return r, fmt.Errorf("cannot start the timer that ends the limits of %s: %w", r.Unit, err)
	}
	c.stop(ctx, old)
	for n := range r.Properties {
		p := &r.Properties[n]
		if p.On {
			continue
		}
		now, err := c.unit(ctx, r.Unit)
		if err == nil {
			err = headroom(limitRecord{Unit: r.Unit, Properties: []limited{*p}}, now, map[string]string{})
		}
		if err == nil {
			p.On = true // whatever is answered: what was asked for is taken back
			err = c.set(ctx, r.Unit, *p, p.Set)
		}
		if err := errors.Join(err, writeJSON(recordFile(l.Dir, r.Unit), r)); err != nil {
			return r, err
		}
	}
	now, err := c.unit(ctx, r.Unit)
	for _, p := range r.Properties {
		if err == nil && !p.is(now) {
			err = fmt.Errorf("cannot limit %s: systemd was asked for %s=%s and has %s", r.Unit, p.Name, figure(p.Set), figure(amount(now, p.Name)))
		}
	}
	return r, err
}

// amount is a property that is one; what is not there is no limit.
func amount(of properties, name string) uint64 {
	if n, ok := of[name].(uint64); ok {
		return n
	}
	return infinity
}

// limitConn is systemd's own socket, which only root may open: limits are set, and taken
// back, also where no bus is.
type limitConn struct{ *sd.Conn }

// unit reads a unit that there is.
func (c limitConn) unit(ctx context.Context, name string) (properties, error) {
	p, err := c.GetAllPropertiesContext(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	if state := get[string](p, "LoadState"); state != loaded {
		return p, fmt.Errorf("cannot limit %s: %w: LoadState=%s", name, errGone, state)
	}
	return p, nil
}

var errGone = errors.New("the unit is not loaded")

// set sets a property of a unit until the next boot.
func (c limitConn) set(ctx context.Context, unit string, p limited, value uint64) error {
	err := c.SetUnitPropertiesContext(ctx, unit, true, sd.Property{Name: p.Name, Value: dbus.MakeVariant(value)})
	if err != nil {
		return fmt.Errorf("cannot set %s=%s of %s: %w", p.Name, figure(value), unit, err)
	}
	return nil
}
