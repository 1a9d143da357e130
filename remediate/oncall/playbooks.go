package oncall

import "nightshift/remediate"

// PlaybookRecord is a playbook as people see it: how far it may go, and what
// became of its incidents.
type PlaybookRecord struct {
	Name string `json:"name"`
	// Autonomy is how far it may go now: the least of the mode, the inventory's
	// figure and what Set says.
	Autonomy remediate.Autonomy `json:"autonomy"`
	// Inventory is the inventory's figure, the most that a person can promote to.
	Inventory remediate.Autonomy `json:"inventory"`
	// Set is the last change by what became of it, or by a person.
	Set *remediate.AutonomySet `json:"set,omitzero"`
	// Breaker is its own, where that is open.
	Breaker *remediate.Breaker `json:"breaker,omitzero"`
	// Ended counts its incidents in the log by how each ended; Escalated are those
	// that people got.
	Ended map[remediate.State]int `json:"ended,omitzero"`
	// Attempts counts the rungs that were climbed in the last 30 days, Verified those
	// whose verification ended, by what it said.
	Attempts int                       `json:"attempts,omitzero"`
	Verified map[remediate.Outcome]int `json:"verified,omitzero"`
	// ByPeople counts the incidents that it only observed, or waited with, in which
	// people then did what it had planned.
	ByPeople int `json:"byPeople,omitzero"`
}
