package remediate

import "time"

// Silence is a silence of Alertmanager that covers an alert now.
type Silence struct {
	// ID is Alertmanager's.
	ID string `json:"id"`
	// By is what its author wrote, which nobody has checked, and Comment their words.
	By      string `json:"by,omitzero"`
	Comment string `json:"comment,omitzero"`
	// Matchers are what it silences, in Alertmanager's language.
	Matchers []string `json:"matchers,omitzero"`
	// Until is when it ends, by Alertmanager's clock.
	Until time.Time `json:"until,omitzero"`
	// Ours is whether the agent made it: such a one keeps nobody from acting.
	Ours bool `json:"ours,omitzero"`
}
