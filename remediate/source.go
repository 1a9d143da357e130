package remediate

// SourceState is how a source of alerts stands.
type SourceState string

// The states of a source.
const (
	SourceHeard  SourceState = "heard"  // its watchdog alert is repeated
	SourceSilent SourceState = "silent" // it was, and is not any more
)

// SourceChanged says that a source of alerts began to be heard, fell silent, or is
// heard again. One that was never heard is not waited for.
type SourceChanged struct {
	Source string      `json:"source"`
	To     SourceState `json:"to"`
	At     Instant     `json:"at"`
}
