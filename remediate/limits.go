package remediate

import (
	"fmt"
	"slices"
	"time"

	"nightshift/alerts"
)

// Rate is how many attempts may be made in a time, however that time is laid.
type Rate struct {
	Max int           `json:"max"`
	Per time.Duration `json:"per"`
}

func (r Rate) String() string { return fmt.Sprintf("%d in %s", r.Max, r.Per) }

// Limits are the figures of the gates that count. An attempt is one rung that touched
// one thing.
type Limits struct {
	// Touched bounds the attempts on one thing, Playbook those of one playbook, Host
	// all of them.
	Touched  []Rate
	Playbook []Rate
	Host     []Rate
	// Breaker is how many failures open one.
	Breaker BreakerLimits
	// Storm is how much must break at once to be one.
	Storm StormLimits
	// Flapping is how often an alert may come back.
	Flapping Rate
	// StartupGrace is how long after the host's boot nothing begins.
	StartupGrace time.Duration
}

// BreakerLimits are how many failed attempts stop the acting on a thing, and by a
// playbook, within which time.
type BreakerLimits struct {
	Touched  int
	Playbook int
	Per      time.Duration
}

// StormLimits are how many unrelated targets must break within which time, and how
// long nothing begins then.
type StormLimits struct {
	Targets int
	Per     time.Duration
	Lasts   time.Duration
}

// DefaultLimits are those of an inventory that says nothing. Automation that acts too
// fast, on too much, or again and again on what it can't mend has made failures worse
// than they were; a person looks long before these figures are reached twice.
var DefaultLimits = Limits{
	Touched:  []Rate{{3, time.Hour}, {6, 24 * time.Hour}},
	Playbook: []Rate{{10, time.Hour}},
	Host:     []Rate{{20, time.Hour}},
	Breaker:  BreakerLimits{Touched: 2, Playbook: 3, Per: 24 * time.Hour},
	Storm:    StormLimits{Targets: 5, Per: 5 * time.Minute, Lasts: 15 * time.Minute},
	Flapping: Rate{3, 30 * time.Minute},
}

// DefaultStartupGrace is how long the services of a host may take to come up by
// themselves: what an inventory gets that does not say.
const DefaultStartupGrace = 2 * time.Minute

// WithDefaults fills in what was left out. No grace is left as it is.
func (l Limits) WithDefaults() Limits {
	d := DefaultLimits
	orDefault := func(rates *[]Rate, otherwise []Rate) {
		if *rates == nil {
			*rates = otherwise
		}
	}
	orDefault(&l.Touched, d.Touched)
	orDefault(&l.Playbook, d.Playbook)
	orDefault(&l.Host, d.Host)
	orElse(&l.Breaker.Touched, d.Breaker.Touched)
	orElse(&l.Breaker.Playbook, d.Breaker.Playbook)
	orElse(&l.Breaker.Per, d.Breaker.Per)
	orElse(&l.Storm.Targets, d.Storm.Targets)
	orElse(&l.Storm.Per, d.Storm.Per)
	orElse(&l.Storm.Lasts, d.Storm.Lasts)
	orElse(&l.Flapping, d.Flapping)
	return l
}

// Own are figures of one unit, VM or playbook in the place of those of all.
type Own struct {
	// Rates bound the attempts on it, or by it; nil has no say.
	Rates []Rate
	// Breaker is how many failures open its own; 0 has no say.
	Breaker int
	// Flapping is how often its alerts may come back; the zero Rate has no say.
	Flapping Rate
	// KeepsLevel is whether failures do not take the playbook down a level.
	KeepsLevel bool
}

// RatesOf are the bounds of the attempts on a thing.
func (inv Inventory) RatesOf(on Target) []Rate {
	if own := inv.ownOf(on).Rates; own != nil {
		return own
	}
	return inv.Limits.Touched
}

// RatesBy are the bounds of the attempts by a playbook.
func (inv Inventory) RatesBy(playbook string) []Rate {
	if own := inv.Own[playbook].Rates; own != nil {
		return own
	}
	return inv.Limits.Playbook
}

// BreakerOf is how many failures on a thing open its breaker.
func (inv Inventory) BreakerOf(on Target) int {
	if own := inv.ownOf(on).Breaker; own > 0 {
		return own
	}
	return inv.Limits.Breaker.Touched
}

// BreakerBy is how many failures of a playbook open its breaker.
func (inv Inventory) BreakerBy(playbook string) int {
	if own := inv.Own[playbook].Breaker; own > 0 {
		return own
	}
	return inv.Limits.Breaker.Playbook
}

// FlappingOf is how often alerts of a playbook may come back.
func (inv Inventory) FlappingOf(playbook string) Rate {
	if own := inv.Own[playbook].Flapping; own != (Rate{}) {
		return own
	}
	return inv.Limits.Flapping
}

func (inv Inventory) ownOf(on Target) Own {
	switch on.Kind {
	case UnitKind:
		return inv.Units[on.Name].Own
	case VMKind:
		return inv.VMs[on.Name].Own
	}
	return Own{}
}

// ManagedGroup is units that stand in for each other.
type ManagedGroup struct {
	Units []string
	// MinHealthy is how many of them must stay healthy while one is acted on.
	MinHealthy int
}

// GroupsOf are the names of the groups that a unit is in, in order.
func (inv Inventory) GroupsOf(unit string) []string {
	var in []string
	for name, group := range inv.Groups {
		if slices.Contains(group.Units, unit) {
			in = append(in, name)
		}
	}
	slices.Sort(in)
	return in
}

// Maintenance is a time in which people work on things, so that nothing is done to
// them.
type Maintenance struct {
	Name  string
	Times Hours
	// Units, VMs and Playbooks are what it is about; without any of them it is all.
	Units, VMs, Playbooks []string
}

// Covers reports whether it is maintenance now, of the playbook or of any of those.
func (m Maintenance) Covers(playbook string, targets []Target, now time.Time) bool {
	if !m.Times.Have(now) {
		return false
	}
	all := len(m.Units)+len(m.VMs)+len(m.Playbooks) == 0
	return all || slices.Contains(m.Playbooks, playbook) || slices.ContainsFunc(targets, m.isAbout)
}

func (m Maintenance) isAbout(t Target) bool {
	return t.Kind == UnitKind && slices.Contains(m.Units, t.Name) || t.Kind == VMKind && slices.Contains(m.VMs, t.Name)
}

// AlertSource is something that sends alerts, and proves that it still can by one that
// always fires.
type AlertSource struct {
	// Match selects the alert that always fires.
	Match alerts.Matchers
	// Alerts select those that come from it.
	Alerts alerts.Matchers
	// Target is what carries it: what an alert is about that says that it is silent.
	Target Target
	// Within is how long nothing may be heard of it.
	Within time.Duration
}
