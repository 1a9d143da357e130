package remediate

// Situation is what a gate must know of a target just before it is touched. The
// actuator that owns the target reads it; the zero Situation knows nothing.
type Situation struct {
	// Known is whether the target could be read at all.
	Known bool `json:"known"`
	// Exists is whether the target exists (for a unit: is loaded).
	Exists bool `json:"exists"`
	// Active is whether it runs.
	Active bool `json:"active"`
	// State is how its owner names the state, for people: "active (running)".
	State string `json:"state,omitzero"`
	// Settling is whether its own keeper is about to act: a unit in auto-restart,
	// or one with a queued job.
	Settling bool `json:"settling,omitzero"`
	// Invocation changes exactly when the target was started anew: a unit's
	// InvocationID. Empty when there is none.
	Invocation string `json:"invocation,omitzero"`
	// Restarts is how often its own keeper started it anew since somebody last
	// started it: systemd's NRestarts. A new invocation with none is somebody's.
	Restarts int `json:"restarts,omitzero"`
	// StoppedByJob is whether it is down because somebody asked for that, and
	// did not merely end or die.
	StoppedByJob bool `json:"stoppedByJob,omitzero"`
	// StartsLeft is how many more starts its start limit allows just now; -1 when
	// it has none. At 0 or 1 another start would leave the unit dead
	// (StartLimitBurst= in systemd.unit(5); the last one allowed fails health
	// checks that restart it again).
	StartsLeft int `json:"startsLeft"`
	// GuestActs is whether an agent inside a VM is there and has not given up: it
	// has its turn first.
	GuestActs bool `json:"guestActs,omitzero"`
	// Detail says why it is not Known.
	Detail string `json:"detail,omitzero"`
}
