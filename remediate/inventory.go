package remediate

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"nightshift/alerts"
)

// Inventory is what this agent looks after, as far as the core must know it:
// the allow-list of units and how they hang together. What is not named here is
// never acted on. In the log stands what plans are made of, and no more.
type Inventory struct {
	// Host is this host's name: one token of [a-z0-9-].
	Host string `json:"host,omitzero"`
	// Units by their full name.
	Units map[string]ManagedUnit `json:"units,omitzero"`
	// VMs are the virtual machines that this host runs, by name.
	VMs map[string]ManagedVM `json:"vms,omitzero"`
	// Severities are by the value of an alert's label severity, Escalations the
	// policies of those that have one of their own.
	Severities  map[string]Severity           `json:"-"`
	Escalations map[Severity]EscalationPolicy `json:"-"`
	// Limits are the figures of the gates that count, Own those of playbooks, by
	// their names.
	Limits Limits         `json:"-"`
	Own    map[string]Own `json:"-"`
	// Profiles are limits that units can be given, by the profile's name.
	Profiles map[string]ManagedProfile `json:"profiles,omitzero"`
	// Groups are units that stand in for each other.
	Groups map[string]ManagedGroup `json:"-"`
	// Maintenance are the times in which people work.
	Maintenance []Maintenance `json:"-"`
	// Sources are what sends alerts, by name.
	Sources map[string]AlertSource `json:"-"`
	// Digest identifies the text it was read from: SHA-256 in hex.
	Digest string `json:"digest,omitzero"`
}

// severityOf is how bad an alert is.
func (inv Inventory) severityOf(a alerts.Alert) Severity {
	return cmp.Or(inv.Severities[a.Labels["severity"]], DefaultSeverity)
}

// escalationOf is when people hear of an incident of that severity.
func (inv Inventory) escalationOf(s Severity) EscalationPolicy {
	if policy, ok := inv.Escalations[s]; ok {
		return policy
	}
	return DefaultEscalation(s)
}

// ManagedUnit is one unit of the inventory.
type ManagedUnit struct {
	// Needs are units that must be healthy before this one can be.
	Needs []string `json:"needs,omitzero"`
	// Healthy names probes that must be healthy for the unit to be called so,
	// beside its own state.
	Healthy []string `json:"healthy,omitzero"`
	// Oneshot is whether it is a unit that does one thing and ends.
	Oneshot bool `json:"oneshot,omitzero"`
	// Risk is that of starting it, where it is a oneshot.
	Risk Risk `json:"risk,omitzero"`
	// ByName is whether it is no part of the site: only who names it acts on it.
	ByName bool `json:"byName,omitzero"`
	// Allow is whether its name being on the deny list is overruled.
	Allow bool `json:"allow,omitzero"`
	// Autonomy is how far the agent may go with it; Unset has no say.
	Autonomy Autonomy `json:"autonomy,omitzero"`
	// Own are its own figures of the gates that count.
	Own Own `json:"-"`
}

// ManagedProfile is limits that units can be given together. The core knows whom they
// are for, and the figures only as words: who sets them reads the file as root.
type ManagedProfile struct {
	// Units are in the order of the file: what users miss least comes first.
	Units []string `json:"units,omitzero"`
	// Gives says what each unit is given: "memory 256MiB, cpu 50%".
	Gives map[string]string `json:"gives,omitzero"`
	// For is how long limits last that nobody takes back.
	For time.Duration `json:"for,omitzero"`
}

// ofSite is whether the unit is one of those that make the site.
func (u ManagedUnit) ofSite() bool { return !u.Oneshot && !u.ByName }

// ManagedVM is one virtual machine of the inventory.
type ManagedVM struct {
	// Unit runs its QEMU; it is acted on only as part of the VM.
	Unit string `json:"unit,omitzero"`
	// Healthy names probes that must be healthy for the VM to be called so, beside
	// its run state.
	Healthy []string `json:"healthy,omitzero"`
	// Boots bounds a boot: until then unhealthy says nothing.
	Boots time.Duration `json:"boots,omitzero"`
	// WaitForGuest is how long after an incident's beginning the agent inside has
	// its turn, while it is there; 0 is not at all.
	WaitForGuest time.Duration `json:"waitForGuest,omitzero"`
	// Alone is the greatest risk that needs no person; [Restart] unless its site
	// says more.
	Alone Risk `json:"alone,omitzero"`
	// RollbackEvery is the least time between two rollbacks that no person asked
	// for.
	RollbackEvery time.Duration `json:"rollbackEvery,omitzero"`
	// Autonomy is how far the agent may go with it; Unset has no say.
	Autonomy Autonomy `json:"autonomy,omitzero"`
	// Own are its own figures of the gates that count.
	Own Own `json:"-"`
}

// FindVM is the inventory's own copy of a VM's name, and whether it has one.
func (inv Inventory) FindVM(vm string) (string, bool) {
	for name := range inv.VMs {
		if name == vm {
			return name, true
		}
	}
	return "", false
}

// VMOf is the VM that a unit runs, if it is one of the inventory's.
func (inv Inventory) VMOf(unit string) (string, bool) {
	for name, vm := range inv.VMs {
		if vm.Unit == unit {
			return name, true
		}
	}
	return "", false
}

// Site is every unit that is no oneshot and not only there by its name, what others
// need first.
func (inv Inventory) Site() []string {
	var site []string
	for name, unit := range inv.Units {
		if unit.ofSite() {
			site = append(site, name)
		}
	}
	return inv.InOrder(site)
}

// InOrder sorts units so that each comes after what it needs, by name where
// needs don't decide. Names off the inventory are left out. The needs of an
// inventory have no cycle (the loader refuses one).
func (inv Inventory) InOrder(units []string) []string {
	wanted := make(map[string]bool, len(units))
	for _, name := range units {
		wanted[name] = true
	}
	var ordered []string
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		unit, ok := inv.Units[name]
		if !ok || seen[name] {
			return
		}
		seen[name] = true
		for _, need := range slices.Sorted(slices.Values(unit.Needs)) {
			visit(need)
		}
		if wanted[name] {
			ordered = append(ordered, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		visit(name)
	}
	return ordered
}

// NeedsOf is all that a unit needs, directly or not, in order, without itself.
func (inv Inventory) NeedsOf(unit string) []string {
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		for _, need := range inv.Units[name].Needs {
			if !seen[need] {
				seen[need] = true
				visit(need)
			}
		}
	}
	visit(unit)
	return inv.InOrder(slices.Collect(maps.Keys(seen)))
}

// Find is the inventory's own copy of a unit's name, and whether it has one.
// What comes from an alert is compared, never used.
func (inv Inventory) Find(unit string) (string, bool) {
	for name := range inv.Units {
		if name == unit {
			return name, true
		}
	}
	return "", false
}
