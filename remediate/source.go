package remediate

import (
	"slices"
	"time"

	"nightshift/alerts"
)

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

// SourceSilentAlert is the name of the alert that says that nothing is heard of a source.
const SourceSilentAlert = "SourceSilent"

// SourceAlert is the alert about a source, firing while nothing is heard of it. Its
// labels, and so its fingerprint, are always the same.
func SourceAlert(name string, s AlertSource, silent bool, now time.Time) alerts.Alert {
	labels := map[string]string{
		"alertname": SourceSilentAlert, "source": name, "severity": "critical", string(s.Target.Kind): s.Target.Name,
	}
	a := alerts.Alert{Status: alerts.Resolved, Labels: labels, Fingerprint: alerts.FingerprintOf(labels), StartsAt: now}
	a.Annotations = map[string]string{"summary": "nothing is heard of " + name + ", which " + s.Target.String() + " carries"}
	if silent {
		a.Status = alerts.Firing
	}
	return a
}

// Has reports whether an alert comes from the source. That it is silent does not.
func (s AlertSource) Has(a alerts.Alert) bool {
	return a.Name() != SourceSilentAlert && s.Alerts.Matches(a.Labels)
}

// Doubted are the alerts whose end was not believed, in the order of the stream.
func (l *Ledger) Doubted() []Episode {
	var all []Episode
	for _, e := range l.Episodes {
		if e.Doubted && e.Alert.Firing() {
			all = append(all, *e)
		}
	}
	slices.SortFunc(all, func(a, b Episode) int { return a.Position.compare(b.Position) })
	return all
}
