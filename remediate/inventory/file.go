package inventory

import (
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/strict"
)

// File is an inventory as its YAML says it. Every name in it has been checked,
// every default filled in.
type File struct {
	Host         Host               `yaml:"host"`
	Probes       map[string]Probe   `yaml:"probes"`
	Units        map[string]Unit    `yaml:"units"`
	Profiles     map[string]Profile `yaml:"profiles"`
	Groups       map[string]Group   `yaml:"groups"`
	VMs          map[string]VM      `yaml:"vms"`
	Rates        Rates              `yaml:"rates"`
	Breaker      Breaker            `yaml:"breaker"`
	Storm        Storm              `yaml:"storm"`
	Flapping     Rate               `yaml:"flapping"`
	StartupGrace Delay              `yaml:"startup_grace"`
	Maintenance  []Maintenance      `yaml:"maintenance"`
	Sources      map[string]Source  `yaml:"sources"`
	Playbooks    []Playbook         `yaml:"playbooks"`
	Severities   map[string]int     `yaml:"severities"` // 1 (worst) to 4, by the value of the label severity
	Escalation   Escalation         `yaml:"escalation"`
	People       map[string]Person  `yaml:"people"`

	// Digest identifies the text: SHA-256 in hex.
	Digest string
	// Scope tells which alerts are this host's: Host.Alerts, parsed.
	Scope alerts.Scope
	// Warnings are what is allowed and probably not meant.
	Warnings []Warning
}

// Host is the machine that the agent runs on.
type Host struct {
	// Name is one token of [a-z0-9-], at most 63 of them.
	Name string `yaml:"name"`
	// Alerts are matchers; an alert is this host's when one of them selects it.
	Alerts []string `yaml:"alerts"`
	// Memory is what a share of the memory is a share of; the machine if nil.
	Memory *SliceMemory `yaml:"memory"`
	// MaxActing is how many incidents may act at the same time.
	MaxActing int `yaml:"max_acting"`
	// Dashboard is the URL of the site's page about this host, shown to who is
	// called; empty for none.
	Dashboard string `yaml:"dashboard"`
}

// SliceMemory is a slice of systemd that holds what is looked after, and the
// bytes that it was given.
type SliceMemory struct {
	Of         string `yaml:"of"`
	Allocation Size   `yaml:"allocation"`
}

// Unit is one unit that may be acted on.
type Unit struct {
	// Needs are the units that must be healthy before this one can be.
	Needs []string `yaml:"needs"`
	// Healthy names the probes that must be healthy to call the unit so, beside
	// its own state.
	Healthy []string `yaml:"healthy"`
	// Oneshot is whether it does one thing and ends. It is only ever started.
	Oneshot bool `yaml:"oneshot"`
	// Risk is that of starting a oneshot unit: restart (default), reset, rollback.
	Risk remediate.Risk `yaml:"risk"`
	// ByName is whether only a playbook that names it acts on it: it is no part of
	// `site` and `failed`.
	ByName bool `yaml:"by_name"`
	// Allow overrules the deny list for this unit.
	Allow bool `yaml:"allow"`
	// Autonomy is how far the agent may go with it.
	Autonomy remediate.Autonomy `yaml:"autonomy"`
	// Rates and Breaker are its own, in the place of rates.touched and
	// breaker.touched.
	Rates   []Rate `yaml:"rates,orone"`
	Breaker int    `yaml:"breaker"`
}

// managed is what the core must know of the unit.
func (u Unit) managed() remediate.ManagedUnit {
	return remediate.ManagedUnit{Needs: u.Needs, Healthy: u.Healthy, Oneshot: u.Oneshot, Risk: u.Risk, ByName: u.ByName, Allow: u.Allow, Autonomy: u.Autonomy,
		Own: remediate.Own{Rates: rates(u.Rates), Breaker: u.Breaker}}
}

// Group is units that stand in for each other.
type Group struct {
	Units []string `yaml:"units"`
	// MinHealthy is how many of them must stay healthy while one is acted on.
	MinHealthy Least `yaml:"min_healthy"`
}

// Playbook turns on the coded playbook Name and overrides some of its figures,
// or turns on the playbooks of Files. A zero overrides nothing.
type Playbook struct {
	Name  string `yaml:"name"`
	Files string `yaml:"files"` // a glob, relative to the inventory
	// Autonomy is a ceiling.
	Autonomy remediate.Autonomy `yaml:"autonomy"`
	Verify   Verify             `yaml:"verify"`
	Attempts Attempts           `yaml:"attempts"`
	Deadline time.Duration      `yaml:"deadline"`
	// Rates, Breaker and Flapping are its own, in the place of rates.playbook,
	// breaker.playbook and flapping.
	Rates    []Rate `yaml:"rates,orone"`
	Breaker  int    `yaml:"breaker"`
	Flapping Rate   `yaml:"flapping"`
	// KeepLevel is whether failures do not take it down a level.
	KeepLevel bool `yaml:"keep_level"`
}

// Verify overrides figures of [remediate.Verify].
type Verify struct {
	Settle time.Duration `yaml:"settle"`
	Window time.Duration `yaml:"window"`
	Within time.Duration `yaml:"within"`
	Every  time.Duration `yaml:"every"`
}

// Attempts overrides figures of [remediate.Attempts].
type Attempts struct {
	Max      int           `yaml:"max"`
	Per      time.Duration `yaml:"per"`
	Cooldown time.Duration `yaml:"cooldown"`
}

// Escalation says when people hear of an incident that was handed to them.
type Escalation struct {
	// Levels are the times after the handing over, rising from the first.
	Levels []Delay `yaml:"levels"`
	// Repeat is how often a severity 1 is told again that nobody acknowledged.
	Repeat time.Duration `yaml:"repeat"`
	// Acknowledge is how long an acknowledgement stops the clock, by severity.
	Acknowledge map[string]time.Duration `yaml:"acknowledge"`
	// Hours are when people are told of a severity at all, by severity.
	Hours map[string]Times `yaml:"hours"`
}

// Person may approve plans.
type Person struct {
	// Key is the public half of a NATS user nkey: U…
	Key string `yaml:"key"`
	// Approves is the greatest risk that the person may approve.
	Approves remediate.Risk `yaml:"approves"`
}

// Warning is what is allowed and probably not meant.
type Warning struct {
	File   string
	Line   int
	Column int
	Field  string
	Msg    string
}

func (w Warning) String() string {
	return strict.Position(w.File, w.Line, w.Column) + w.Field + ": " + w.Msg
}
