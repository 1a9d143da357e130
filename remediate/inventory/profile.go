package inventory

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"nightshift/remediate"
	"nightshift/remediate/strict"
)

// Profile is limits that units can be given together, for a time.
type Profile struct {
	// For is how long they last that nobody takes back.
	For time.Duration
	// Units are the limits by the unit's name, Order the names as the file has them.
	Units map[string]Limit
	Order []string
}

// Limit is what a unit may use. A zero is no limit.
type Limit struct {
	// Memory is where the kernel begins to take memory back and to slow the unit down:
	// MemoryHigh=. Where there is no such thing (cgroup v1) it is MemoryMax=.
	Memory Size `yaml:"memory"`
	// MemoryMax is where the kernel kills it.
	MemoryMax Size `yaml:"memory_max"`
	// CPU is of one CPU, so that two of them are 200%: CPUQuota=.
	CPU Percent `yaml:"cpu"`
	// CPUWeight is its share where CPU time is short, against 100 of the others.
	CPUWeight int `yaml:"cpu_weight"`
}

// ReadYAML reads `for` and, beside it, the limits of each unit.
func (p *Profile) ReadYAML(r *strict.Reading, node *yaml.Node, path string) {
	p.Units = map[string]Limit{}
	r.EachEntry(node, path, func(key, value *yaml.Node) {
		at := join(path, key.Value)
		if key.Value == "for" {
			r.Decode(value, reflect.ValueOf(&p.For).Elem(), at)
			return
		}
		var limit Limit
		r.Decode(value, reflect.ValueOf(&limit).Elem(), at)
		p.Units[key.Value] = limit
		p.Order = append(p.Order, key.Value)
	})
}

// String says the limits for people: "memory 256MiB, cpu 50%".
func (l Limit) String() string {
	var said []string
	say := func(is bool, format string, value any) {
		if is {
			said = append(said, fmt.Sprintf(format, value))
		}
	}
	say(l.Memory > 0, "memory %s", l.Memory)
	say(l.MemoryMax > 0, "at most %s", l.MemoryMax)
	say(l.CPU > 0, "cpu %s", l.CPU)
	say(l.CPUWeight > 0, "cpu weight %d", l.CPUWeight)
	return strings.Join(said, ", ")
}

// LimitUnit is the oneshot unit, root's, that gives a unit the limits of a profile, and
// UnlimitUnit the one that takes them back.
func LimitUnit(profile, unit string) string { return limitUnit + profile + ":" + unit + ".service" }

// UnlimitUnit is told of at [LimitUnit].
func UnlimitUnit(profile, unit string) string {
	return unlimitUnit + profile + ":" + unit + ".service"
}

const (
	limitUnit   = "nightshift-limit@"
	unlimitUnit = "nightshift-unlimit@"
)

// profiles are what the core must know of them.
func (f *File) profiles() map[string]remediate.ManagedProfile {
	var all map[string]remediate.ManagedProfile
	for name, p := range f.Profiles {
		gives := map[string]string{}
		for unit, limit := range p.Units {
			gives[unit] = limit.String()
		}
		put(&all, name, remediate.ManagedProfile{Units: p.Order, Gives: gives, For: p.For})
	}
	return all
}

// The bounds of a profile. Four hours is a working half day: long enough for who is
// called at night, short enough that nobody forgets it.
const (
	defaultLimitFor = 4 * time.Hour
	maxLimitFor     = 24 * time.Hour
	minLimitFor     = time.Second
	// minMemory is what the smallest of programs starts with.
	minMemory Size = 4 << 20
	// maxCPU is what 100 CPUs give.
	maxCPU Percent = 10000
	// maxWeight is CPUWeight='s own: systemd.resource-control(5).
	maxWeight = 10000
)

func (c *checker) checkProfiles() {
	for _, name := range sorted(c.file.Profiles) {
		path, p := join("profiles", name), c.file.Profiles[name]
		c.isToken(path, name)
		if len(p.Units) == 0 {
			c.fail(c.holder(path), path, "expected at least one unit with its limits")
		}
		if at := join(path, "for"); !c.has(at) {
			p.For = defaultLimitFor
		} else if p.For != 0 && (p.For < minLimitFor || p.For > maxLimitFor) {
			c.wrong(at, "expected %s to %s, found %s: a limit that nobody takes back must end", strict.Spell(minLimitFor), strict.Spell(maxLimitFor), strict.Spell(p.For))
		}
		c.file.Profiles[name] = p
		for _, unit := range p.Order {
			c.checkLimit(join(path, unit), name, unit, p.Units[unit])
		}
	}
}

func (c *checker) checkLimit(path, profile, unit string, limit Limit) {
	units := sorted(c.file.Units)
	known, ok := c.file.Units[unit]
	switch {
	case !ok:
		c.wrongKey(path, "%s is no unit of this file%s", quote(unit), didYouMean(unit, units))
	case known.Oneshot || !strings.HasSuffix(unit, ".service"):
		c.wrongKey(path, "%s is no service that runs on; only such a one is limited", quote(unit))
	case wrongUnit(UnlimitUnit(profile, unit+":2")) != "": // the longest name that it has there
		c.wrongKey(path, "the name of %s is too long to be limited: with the profile's it makes the name of a unit, of at most 255 characters", quote(unit))
	}
	memory, most, weight := join(path, "memory"), join(path, "memory_max"), join(path, "cpu_weight")
	if !c.has(memory) && !c.has(most) && !c.has(join(path, "cpu")) && !c.has(weight) {
		c.fail(c.holder(path), path, "expected memory, memory_max, cpu or cpu_weight")
	}
	for at, size := range map[string]Size{memory: limit.Memory, most: limit.MemoryMax} {
		if size != 0 && size < minMemory {
			c.wrong(at, "expected at least %s, found %s: nothing starts with less", minMemory, size)
		}
	}
	if limit.MemoryMax > 0 && limit.MemoryMax < limit.Memory+limit.Memory/4 {
		c.wrong(most, "expected at least a quarter more than memory, so that the unit is slowed down for a while before it is killed")
	}
	c.checkShare(join(path, "cpu"), limit.CPU, maxCPU)
	c.between(weight, limit.CPUWeight, 1, maxWeight)
}
