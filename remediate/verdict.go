package remediate

// Decision is what a gate answers.
type Decision string

// The decisions.
const (
	Allow  Decision = "allow"
	Wait   Decision = "wait"
	Hold   Decision = "hold"
	Refuse Decision = "refuse"
)

// Reason is why: the same word in the verdict, the event, the metric's label and
// the log.
type Reason string

// Verdict is the answer of the gates to one question: may this be done now?
type Verdict struct {
	Decision Decision `json:"decision"`
	// Gate is the one that decided; empty when all allow.
	Gate   string `json:"gate,omitzero"`
	Reason Reason `json:"reason,omitzero"`
	// Next is where a refusal leads.
	Next State `json:"next,omitzero"`
	// Until is when a wait is over; zero when it ends with On.
	Until Instant `json:"until,omitzero"`
	// Quiet is whether people hear of a refusal with others, by one escalation.
	Quiet bool `json:"quiet,omitzero"`
	// On is the incident whose end a wait waits for.
	On ID `json:"on,omitzero"`
	// Detail says it to people, in a sentence.
	Detail string `json:"detail,omitzero"`
}
