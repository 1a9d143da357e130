package inventory

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/strict"
)

// Rate is a number of attempts in a time, written 3/1h.
type Rate remediate.Rate

// maxRate bounds a rate: whoever writes more wants none.
const maxRate = 10000

// UnmarshalText reads a whole number above 0, a slash, and a duration.
func (r *Rate) UnmarshalText(text []byte) error {
	number, per, ok := strings.Cut(string(text), "/")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 || n > maxRate {
		return fmt.Errorf("cannot read rate %q: expected a number from 1 to %d and a duration, like 3/1h", text, maxRate)
	}
	length, err := strict.ParseDuration(per)
	if err != nil {
		return err
	}
	*r = Rate{Max: n, Per: length}
	return nil
}

// Least is how many of something, or which share of them.
type Least struct {
	Count int
	Share Percent
}

// UnmarshalText reads a whole number, or a share up to 100%.
func (l *Least) UnmarshalText(text []byte) error {
	if n, err := strconv.Atoi(string(text)); err == nil && n >= 0 {
		l.Count = n
		return nil
	}
	if err := l.Share.UnmarshalText(text); err != nil || l.Share > 100 {
		return fmt.Errorf("cannot read %q: expected a whole number, or a share up to 100%% like 50%%", text)
	}
	return nil
}

// Of is how many that are, of so many: a share is rounded up.
func (l Least) Of(all int) int {
	if l.Share > 0 {
		return int(math.Ceil(float64(all) * float64(l.Share) / 100))
	}
	return l.Count
}

// Rates bound how many attempts are made: on what is touched, by a playbook, on the
// host. Each list holds at once.
type Rates struct {
	Touched  []Rate `yaml:"touched,orone"`
	Playbook []Rate `yaml:"playbook,orone"`
	Host     []Rate `yaml:"host,orone"`
}

// Breaker is how many failures stop the acting on a thing, or by a playbook.
type Breaker struct {
	Touched  int           `yaml:"touched"`
	Playbook int           `yaml:"playbook"`
	Per      time.Duration `yaml:"per"`
}

// Storm is how many targets must break at once, and how long nothing begins then.
type Storm struct {
	Targets int           `yaml:"targets"`
	Per     time.Duration `yaml:"per"`
	Lasts   time.Duration `yaml:"lasts"`
}

// Maintenance is a time in which people work.
type Maintenance struct {
	Name      string   `yaml:"name"`
	Times     Times    `yaml:"times"`
	Units     []string `yaml:"units"`
	VMs       []string `yaml:"vms"`
	Playbooks []string `yaml:"playbooks"`
}

// Source is something that sends alerts, one of which always fires.
type Source struct {
	// Match selects the alert that always fires.
	Match []string `yaml:"match"`
	// Alerts select those that come from it; by default what has its name as the
	// label source.
	Alerts []string `yaml:"alerts"`
	// Target is what carries it.
	Target remediate.Target `yaml:"target"`
	// Within is how long nothing may be heard.
	Within time.Duration `yaml:"within"`
}

// defaultSourceWithin is three times what a Watchdog is repeated in.
const defaultSourceWithin = 3 * time.Minute

// limits are the figures of the gates that count, as the core has them.
func (f *File) limits() remediate.Limits {
	return remediate.Limits{
		Touched: rates(f.Rates.Touched), Playbook: rates(f.Rates.Playbook), Host: rates(f.Rates.Host),
		Breaker:      remediate.BreakerLimits{Touched: f.Breaker.Touched, Playbook: f.Breaker.Playbook, Per: f.Breaker.Per},
		Storm:        remediate.StormLimits{Targets: f.Storm.Targets, Per: f.Storm.Per, Lasts: f.Storm.Lasts},
		Flapping:     remediate.Rate(f.Flapping),
		StartupGrace: time.Duration(f.StartupGrace),
	}
}

func rates(all []Rate) []remediate.Rate {
	var core []remediate.Rate
	for _, r := range all {
		core = append(core, remediate.Rate(r))
	}
	return core
}

// own are the figures of single playbooks.
func (f *File) own() map[string]remediate.Own {
	var own map[string]remediate.Own
	for _, p := range f.Playbooks {
		if p.Name != "" {
			put(&own, p.Name, remediate.Own{Rates: rates(p.Rates), Breaker: p.Breaker, Flapping: remediate.Rate(p.Flapping), KeepsLevel: p.KeepLevel})
		}
	}
	return own
}

func (f *File) groups() map[string]remediate.ManagedGroup {
	var groups map[string]remediate.ManagedGroup
	for name, g := range f.Groups {
		put(&groups, name, remediate.ManagedGroup{Units: g.Units, MinHealthy: g.MinHealthy.Of(len(g.Units))})
	}
	return groups
}

func (f *File) maintenance() []remediate.Maintenance {
	var all []remediate.Maintenance
	for _, m := range f.Maintenance {
		all = append(all, remediate.Maintenance{Name: m.Name, Times: m.Times.Hours, Units: m.Units, VMs: m.VMs, Playbooks: m.Playbooks})
	}
	return all
}

// sources are those of the file, which was checked.
func (f *File) sources() map[string]remediate.AlertSource {
	var all map[string]remediate.AlertSource
	for name, s := range f.Sources {
		put(&all, name, remediate.AlertSource{
			Match: alerts.Matching(s.Match...), Alerts: alerts.Matching(s.Alerts...), Target: s.Target, Within: s.Within,
		})
	}
	return all
}

// put sets a key of a map that may not be there yet.
func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}
