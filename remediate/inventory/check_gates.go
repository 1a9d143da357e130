package inventory

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/strict"
)

const (
	// maxStorm bounds the spans of a storm and of flapping: what began is remembered
	// for a day.
	maxStorm = 24 * time.Hour
	// maxFailures bounds how many failures open a breaker: more would open none.
	maxFailures = 100
	// maxGrace bounds the time after a boot in which nothing begins.
	maxGrace = time.Hour
)

// checkGates fills in the figures of the gates that the file leaves out, and bounds
// the rest.
func (c *checker) checkGates() {
	d, f := remediate.DefaultLimits, c.file
	c.rates("rates.touched", &f.Rates.Touched, d.Touched)
	c.rates("rates.playbook", &f.Rates.Playbook, d.Playbook)
	c.rates("rates.host", &f.Rates.Host, d.Host)
	c.count("breaker.touched", &f.Breaker.Touched, d.Breaker.Touched, 1, maxFailures)
	c.count("breaker.playbook", &f.Breaker.Playbook, d.Breaker.Playbook, 1, maxFailures)
	c.lasts("breaker.per", &f.Breaker.Per, d.Breaker.Per, time.Minute, maxDuration)
	c.count("storm.targets", &f.Storm.Targets, d.Storm.Targets, 2, beganMost)
	c.lasts("storm.per", &f.Storm.Per, d.Storm.Per, time.Second, maxStorm)
	c.lasts("storm.lasts", &f.Storm.Lasts, d.Storm.Lasts, time.Second, maxStorm)
	if !c.has("flapping") {
		f.Flapping = Rate(d.Flapping)
	}
	c.flapping("flapping", f.Flapping)
	if !c.has("startup_grace") {
		f.StartupGrace = Delay(remediate.DefaultStartupGrace)
	} else if time.Duration(f.StartupGrace) > maxGrace {
		c.wrong("startup_grace", "expected at most %s, found %s", spell(maxGrace), spell(time.Duration(f.StartupGrace)))
	}
	c.checkMaintenance()
	c.checkSources()
}

// beganMost is how many beginnings of trouble are remembered: a storm of more is never
// seen.
const beganMost = 1000

// rates fills in the default of some rates, or refuses a list of none: that would be
// no bound at all.
func (c *checker) rates(path string, given *[]Rate, otherwise []remediate.Rate) {
	switch {
	case c.has(path) && len(*given) == 0:
		c.wrong(path, "expected at least one rate, like 3/1h: none would be no bound at all")
	case !c.has(path):
		for _, r := range otherwise {
			*given = append(*given, Rate(r))
		}
	}
}

// ownFigures checks those of one unit, VM or playbook.
func (c *checker) ownFigures(path string, rates []Rate, breaker int) {
	if at := join(path, "rates"); c.has(at) && len(rates) == 0 {
		c.wrong(at, "expected at least one rate, like 3/1h: none would be no bound at all")
	}
	c.between(join(path, "breaker"), breaker, 1, maxFailures)
}

func (c *checker) flapping(path string, r Rate) {
	switch {
	case !c.has(path):
	case r.Max == 1:
		c.wrong(path, "expected a number from 2: the first time is no coming back")
	case r.Per > maxStorm:
		c.wrong(path, "expected at most %s, found %s", spell(maxStorm), spell(r.Per))
	}
}

// count fills in the default of a number, or bounds the one that is given.
func (c *checker) count(path string, n *int, otherwise, low, high int) {
	if !c.has(path) {
		*n = otherwise
		return
	}
	c.between(path, *n, low, high)
}

func (c *checker) checkMaintenance() {
	units, vms, seen := sorted(c.file.Units), sorted(c.file.VMs), map[string]bool{}
	for i, m := range c.file.Maintenance {
		path := item("maintenance", i)
		c.need(path, "name", "what people call it")
		c.need(path, "times", "when it is, as in Alertmanager's time_intervals")
		if at := join(path, "name"); c.has(at) {
			switch {
			case !strict.IsToken(m.Name):
				c.wrong(at, "%s is no name here: %s", quote(m.Name), tokenIs)
			case seen[m.Name]:
				c.wrong(at, "%s is there twice", quote(m.Name))
			}
			seen[m.Name] = true
		}
		for key, names := range map[string][]string{"units": m.Units, "vms": m.VMs, "playbooks": m.Playbooks} {
			if at := join(path, key); c.has(at) && len(names) == 0 {
				c.wrong(at, "expected at least one: an empty list would be nothing, where no list is all")
			}
		}
		c.known(join(path, "units"), m.Units, "unit of this file", units)
		c.known(join(path, "vms"), m.VMs, "VM of this file", vms)
		if !c.hasFiles() {
			c.known(join(path, "playbooks"), m.Playbooks, "playbook of this file", c.playbookNames())
		}
	}
}

// playbookNames are those that the file turns on.
func (c *checker) playbookNames() []string {
	var names []string
	for _, p := range c.file.Playbooks {
		if p.Name != "" {
			names = append(names, p.Name)
		}
	}
	return names
}

// hasFiles reports whether playbooks are in files of their own: then who reads those
// knows all of their names.
func (c *checker) hasFiles() bool {
	return slices.ContainsFunc(c.file.Playbooks, func(p Playbook) bool { return p.Files != "" })
}

// checkSources checks the sources, and counts the alert that always fires among this
// host's.
func (c *checker) checkSources() {
	entries := slices.Clone(c.file.Host.Alerts)
	for _, name := range sorted(c.file.Sources) {
		path, s := join("sources", name), c.file.Sources[name]
		c.isToken(path, name)
		c.need(path, "match", `matchers of the alert that always fires, like ['alertname="Watchdog"', 'source="`+name+`"']`)
		c.need(path, "target", "what carries it: vm:NAME, unit:NAME or host:NAME")
		if !c.has(join(path, "alerts")) {
			s.Alerts = []string{"source=" + strconv.Quote(name)}
		}
		c.matchers(join(path, "alerts"), s.Alerts)
		if c.matchers(join(path, "match"), s.Match) && len(s.Match) > 0 {
			entries = append(entries, strings.Trim(alerts.Matching(s.Match...).String(), " "))
		}
		c.checkCarrier(join(path, "target"), s.Target)
		c.lasts(join(path, "within"), &s.Within, defaultSourceWithin, time.Second, maxStorm)
		c.file.Sources[name] = s
	}
	if scope, err := alerts.ParseScope(entries); err == nil && len(c.file.Sources) > 0 {
		c.file.Scope = scope
	}
}

// matchers notes an error for each expression that is wrong, and reports whether all
// can be used.
func (c *checker) matchers(path string, exprs []string) bool {
	if c.has(path) && len(exprs) == 0 {
		c.wrong(path, "expected at least one matcher: none would be no alert at all")
		return false
	}
	_, err := alerts.ParseMatchers(exprs)
	for _, one := range all(err) {
		if wrong := new(alerts.ExpressionError); errors.As(one, &wrong) {
			c.wrong(item(path, wrong.Index), "%s", one)
		}
	}
	return err == nil
}

// checkCarrier notes an error unless a target is one of the file.
func (c *checker) checkCarrier(path string, t remediate.Target) {
	known := map[remediate.Kind][]string{
		remediate.UnitKind: sorted(c.file.Units), remediate.VMKind: sorted(c.file.VMs), remediate.HostKind: {c.file.Host.Name},
	}[t.Kind]
	if c.has(path) && t.Kind != "" && !slices.Contains(known, t.Name) {
		c.wrong(path, "%s is no %s of this file%s", quote(t.Name), t.Kind, didYouMean(t.Name, known))
	}
}
