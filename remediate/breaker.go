package remediate

// Breaker stops the acting on one thing, or by one playbook, after failures: it is
// open until a person closes it.
type Breaker struct {
	// On is the thing, or Playbook the playbook; one of them is set.
	On       Target `json:"on,omitzero"`
	Playbook string `json:"playbook,omitzero"`
	// Why says it to people, Incident is the one whose attempt was the last straw.
	Why      string  `json:"why"`
	Incident ID      `json:"incident"`
	At       Instant `json:"at"`
}

// BreakerKey names a breaker: "unit:grafana.service" or "playbook:high-memory".
type BreakerKey string

// Key is the breaker's name.
func (b Breaker) Key() BreakerKey {
	if b.Playbook != "" {
		return BreakerKey("playbook:" + b.Playbook)
	}
	return BreakerKey(b.On.String())
}

// BreakerClosed says that a person closed a breaker: what failed before counts no
// more.
type BreakerClosed struct {
	Key     BreakerKey `json:"key"`
	By      string     `json:"by"`
	Comment string     `json:"comment,omitzero"`
	// Proof is the signature that it came with, where one was needed.
	Proof *Proof `json:"proof,omitzero"`
}

// AutonomySet says how far a playbook may go from now on. The inventory's figure
// stays a ceiling.
type AutonomySet struct {
	Playbook string   `json:"playbook"`
	To       Autonomy `json:"to"`
	// Why is what lowered it, Incident in which; By the person who promoted it.
	Why      string  `json:"why,omitzero"`
	Incident ID      `json:"incident,omitzero"`
	By       string  `json:"by,omitzero"`
	Comment  string  `json:"comment,omitzero"`
	At       Instant `json:"at"`
	// Proof is the signature that it came with, where one was needed.
	Proof *Proof `json:"proof,omitzero"`
}

// Storm says that so much broke at once that nothing is acted on until it is over:
// what broke it is not what the alerts are about.
type Storm struct {
	// Targets are those that had incidents of their own.
	Targets []Target `json:"targets"`
	Why     string   `json:"why"`
	// Incident is the one that people are told of for all of them.
	Incident ID      `json:"incident,omitzero"`
	At       Instant `json:"at"`
	Until    Instant `json:"until"`
}
