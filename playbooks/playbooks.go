// Package playbooks holds the coded playbooks, one file each, and the words in
// which they are written. A playbook is data that reads like the runbook page it
// replaces; its paper (Trigger, Ladder, Verify, Undo, Metrics) stands above it.
//
// A playbook imports only the vocabulary and the alerts. What its names mean, the
// inventory says: units and probes that it names must be there, or it is refused
// when the configuration is read.
package playbooks

import "nightshift/remediate"

// Coded is every coded playbook. Which of them are on, and in which order they
// are asked, the inventory says.
var Coded = []remediate.Playbook{
	SystemDown,
	HighMemory,
	WebhookErrors,
}

// Names are those of the coded playbooks, in order.
func Names() []string {
	names := make([]string, len(Coded))
	for n, p := range Coded {
		names[n] = p.Name
	}
	return names
}

// Find is the coded playbook of that name.
func Find(name string) (remediate.Playbook, bool) {
	for _, p := range Coded {
		if p.Name == name {
			return p, true
		}
	}
	return remediate.Playbook{}, false
}
