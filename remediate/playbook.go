package remediate

import (
	"time"

	"nightshift/alerts"
)

// Playbook is a coded recipe: which alerts it is for, what it is about, and the
// ladder that may mend it. It is data; whoever writes one in Go or in YAML fills
// the same fields.
type Playbook struct {
	// Name is one word of [a-z0-9-], unique in its set.
	Name string `json:"name"`
	// Match says which alerts it is for; without matchers it is for none.
	Match alerts.Matchers `json:"-"`
	// Target says what an incident of it is about.
	Target TargetRule `json:"target"`
	// Look is what is kept as evidence before the first act.
	Look []Look `json:"look,omitzero"`
	// Ladder holds the rungs, least invasive first.
	Ladder []Rung `json:"ladder"`
	// Verify says what must be seen to call it fixed.
	Verify Verify `json:"verify"`
	// Attempts bounds how often it acts on one thing.
	Attempts Attempts `json:"attempts"`
	// Deadline ends an incident or hands it to people; [DefaultDeadline] if 0.
	Deadline time.Duration `json:"deadline,omitzero"`
	// Autonomy is how far it may go; Unset has no say.
	Autonomy Autonomy `json:"autonomy,omitzero"`
}

// TargetRule says how an incident's target is found. Exactly one field is set.
type TargetRule struct {
	// Host is this host.
	Host bool `json:"host,omitzero"`
	// Unit is that unit of the inventory.
	Unit string `json:"unit,omitzero"`
	// UnitLabel is the unit of the inventory that equals the value of this
	// label of the alert. The name used is the inventory's own.
	UnitLabel string `json:"unitLabel,omitzero"`
	// VM is that virtual machine of the inventory, VMLabel the one that equals
	// the value of this label of the alert.
	VM      string `json:"vm,omitzero"`
	VMLabel string `json:"vmLabel,omitzero"`
	// Asked is the target that a person named: no alert opens such an incident.
	Asked bool `json:"asked,omitzero"`
}

// Rung is steps of one risk that are verified together.
type Rung struct {
	// Name says it to people: "restart prometheus".
	Name string `json:"name"`
	// Do is what is done, in this order.
	Do []Move `json:"do"`
	// Autonomy is how far this rung may go; Unset has no say.
	Autonomy Autonomy `json:"autonomy,omitzero"`
}

// Move is a step before its selector is resolved.
type Move struct {
	Do Verb     `json:"do"`
	On Selector `json:"on"`
	// Timeout bounds each step; [DefaultStepTimeout] if 0.
	Timeout time.Duration `json:"timeout,omitzero"`
	// To is what a swap puts in place, and what a checkpoint, promotion or proof
	// is of.
	To Source `json:"to,omitzero"`
	// Profile is the inventory's profile whose limits a limit sets and an unlimit
	// takes back.
	Profile string `json:"profile,omitzero"`
}

// Selector chooses targets when a plan is made. Exactly one field is set; one
// that chooses nothing means nothing, never everything.
type Selector struct {
	// Unit is that unit.
	Unit string `json:"unit,omitzero"`
	// What is one of the named choices.
	What Choice `json:"what,omitzero"`
}

// Choice is a selector with a name.
type Choice string

// The choices. Units come in the order of `needs`: what others need first.
const (
	TheTarget  Choice = "target" // the incident's own unit
	ItsNeeds   Choice = "needs"  // what the incident's unit needs, directly or not
	WhatFailed Choice = "failed" // the units that were seen unhealthy
	WholeSite  Choice = "site"   // every unit of the inventory but oneshots and those there by name
	PausedVM   Choice = "paused" // the incident's own VM, if its guest stands still and could go on
	StuckVM    Choice = "stuck"  // the incident's own VM, if its QEMU runs and it is not paused
	// ItsProfile is every unit of the move's own profile, in the profile's order; in a
	// verification, of every profile that the ladder names.
	ItsProfile Choice = "profile"
	// Busiest is the unit of the inventory that uses most of the processors, if nothing
	// else uses more; see [Busy].
	Busiest Choice = "busiest"
)

// Choices lists the named choices, for the loader, completion and the docs.
var Choices = []Choice{TheTarget, ItsNeeds, WhatFailed, WholeSite, PausedVM, StuckVM, ItsProfile, Busiest}

// Verify says what must be seen after a rung to call the incident fixed.
type Verify struct {
	// Healthy names the probes that must answer healthy: a name of the
	// inventory's `probes`, unit:NAME, or one of the choices, whose units are
	// asked. At least one is needed.
	Healthy []string `json:"healthy"`
	// Settle is how long after a rung nothing is asked; [DefaultSettle] if 0.
	Settle time.Duration `json:"settle,omitzero"`
	// Window is how long all of them must stay healthy; [DefaultWindow] if 0.
	Window time.Duration `json:"window,omitzero"`
	// Within bounds the whole verification; three windows if 0.
	Within time.Duration `json:"within,omitzero"`
	// Every is how often they are asked; a twelfth of the window, between
	// 200 ms and 10 s, if 0.
	Every time.Duration `json:"every,omitzero"`
}

// Attempts bounds how often a playbook acts on one thing. An attempt is one
// rung that touched it.
type Attempts struct {
	// Max acts Per this time; [DefaultAttempts] if 0.
	Max int           `json:"max,omitzero"`
	Per time.Duration `json:"per,omitzero"`
	// Cooldown is the least time between the end of one incident's acts on a
	// thing and the begin of another's; [DefaultCooldown] if 0.
	Cooldown time.Duration `json:"cooldown,omitzero"`
}

// The defaults of a playbook. They are meant for services that start within
// seconds; a slow one says so in its playbook.
const (
	// DefaultDeadline is twice the runbook's response time to a critical
	// incident (15 minutes).
	DefaultDeadline = 30 * time.Minute
	// DefaultStepTimeout is a little more than systemd's own
	// DefaultTimeoutStartSec= of 90 s (systemd-system.conf(5)), so that systemd
	// answers first.
	DefaultStepTimeout = 100 * time.Second
	DefaultSettle      = 5 * time.Second
	DefaultWindow      = time.Minute
	DefaultAttempts    = 3
	DefaultPer         = time.Hour
	DefaultCooldown    = 10 * time.Minute
	// ApprovalLasts is how long a plan waits for a person.
	ApprovalLasts = 15 * time.Minute
)

// WithDefaults fills in what the author left out.
func (p Playbook) WithDefaults() Playbook {
	orElse(&p.Deadline, DefaultDeadline)
	orElse(&p.Verify.Settle, DefaultSettle)
	orElse(&p.Verify.Window, DefaultWindow)
	orElse(&p.Verify.Within, p.Verify.Settle+3*p.Verify.Window)
	orElse(&p.Verify.Every, min(max(p.Verify.Window/12, 200*time.Millisecond), 10*time.Second))
	orElse(&p.Attempts.Max, DefaultAttempts)
	orElse(&p.Attempts.Per, DefaultPer)
	orElse(&p.Attempts.Cooldown, DefaultCooldown)
	return p
}

// orElse sets what was left at its zero value.
func orElse[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
