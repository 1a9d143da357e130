// Package playbooks holds the coded playbooks, one file each, and the words in
// which they are written. A playbook is data that reads like the runbook page it
// replaces; its paper (Trigger, Ladder, Verify, Undo, Metrics) stands above it.
//
// A playbook imports only the vocabulary and the alerts. What its names mean, the
// inventory says: units and probes that it names must be there, or it is refused
// when the configuration is read.
package playbooks

import (
	"slices"

	"nightshift/remediate"
)

// Coded is every coded playbook. Which of them are on, and in which order they
// are asked, the inventory says.
var Coded = []remediate.Playbook{
	SystemDown,
	MemoryExhaustion,
	HighMemory,
	WebhookErrors,
	Certificate,
	Database,
	HighCPU,
	DiskFilling,
	Network,
	VMDown,
}

// Asked is every playbook that only a person starts; no alert opens an incident of
// one. Those about virtual machines are on wherever the inventory has one, the others
// where it lists them.
var Asked = []remediate.Playbook{
	WebhookRotated,
	SafeMode,
	SafeModeOff,
	VMCheckpoint,
	VMPromote,
	VMVerify,
	VMDeploy,
	VMRollback,
	VMUndo,
}

// Names are those of all coded playbooks, in order: first those that alerts start.
func Names() []string { return slices.Concat(ForAlerts(), namesOf(Asked)) }

// ForAlerts are the names of those that alerts start.
func ForAlerts() []string { return namesOf(Coded) }

func namesOf(set []remediate.Playbook) []string {
	names := make([]string, len(set))
	for n, p := range set {
		names[n] = p.Name
	}
	return names
}

// Find is the playbook of that name that alerts start.
func Find(name string) (remediate.Playbook, bool) { return find(Coded, name) }

// FindAsked is the playbook of that name that people start.
func FindAsked(name string) (remediate.Playbook, bool) { return find(Asked, name) }

func find(set []remediate.Playbook, name string) (remediate.Playbook, bool) {
	n := slices.IndexFunc(set, func(p remediate.Playbook) bool { return p.Name == name })
	if n < 0 {
		return remediate.Playbook{}, false
	}
	return set[n], true
}
