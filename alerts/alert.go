// Package alerts holds what Alertmanager says: its notifications and alerts,
// their strict decoding, the matchers that select them, and the scope that
// tells which of them are about this host.
//
// It knows nothing of what is done about an alert, and nothing of HTTP.
package alerts

import "time"

// Status says whether an alert holds or has ended. It is a hint and no proof:
// when Prometheus dies, Alertmanager resolves what it no longer hears of.
type Status string

// The only two statuses that Alertmanager sends.
const (
	Firing   Status = "firing"
	Resolved Status = "resolved"
)

// Fingerprint identifies a label set by 16 lower-case hex digits. It equals
// the fingerprint that Alertmanager shows, but is always our own hash: the one
// that a payload claims is not read.
type Fingerprint string

// Alert is one label set that fires or has ended.
type Alert struct {
	Status      Status            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
	StartsAt    time.Time         `json:"startsAt,omitzero"` // UTC; can move when Prometheus restarts
	EndsAt      time.Time         `json:"endsAt,omitzero"`   // UTC; zero while the alert fires

	GeneratorURL string      `json:"generatorURL,omitempty"`
	Fingerprint  Fingerprint `json:"fingerprint"`

	// Truncated says that the labels are not to be relied on: there were more
	// than MaxLabels of them, or one was too long (MaxName, MaxValue). Nothing
	// is done about such an alert without a person.
	Truncated bool `json:"truncated,omitzero"`
}

// Firing reports whether the alert holds.
func (a Alert) Firing() bool { return a.Status == Firing }

// Name is the alert's alertname, "" if it has none.
func (a Alert) Name() string { return a.Labels["alertname"] }

// Notification is one POST of Alertmanager: the whole group as it is now, never
// a delta. Receiver and GroupKey are for people to read; they change with the
// routes and identify nothing.
type Notification struct {
	Receiver   string    `json:"receiver,omitempty"`
	GroupKey   string    `json:"groupKey,omitempty"`
	ReceivedAt time.Time `json:"receivedAt"` // UTC

	// Truncated counts the alerts that are missing here, cut off by
	// Alertmanager's max_alerts or by our MaxAlerts.
	Truncated int     `json:"truncated,omitzero"`
	Alerts    []Alert `json:"alerts"`
}

// FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// FingerprintOf hashes labels as Prometheus and Alertmanager do: FNV-1a over
// the names in order, each name and value ended by 0xff, which is in no UTF-8.
func FingerprintOf(labels map[string]string) Fingerprint {
	var few [MaxLabels]string
	hash := uint64(fnvOffset)
	for _, name := range sortedNames(few[:0], labels) {
		hash = fnvAdd(hash, name)
		hash = fnvAdd(hash, labels[name])
	}
	return hex16(hash)
}

func fnvAdd(hash uint64, s string) uint64 {
	for i := range len(s) {
		hash = (hash ^ uint64(s[i])) * fnvPrime
	}
	return (hash ^ 0xff) * fnvPrime
}

func hex16(n uint64) Fingerprint {
	var digits [16]byte
	for i := range digits {
		digits[15-i] = "0123456789abcdef"[n&15]
		n >>= 4
	}
	return Fingerprint(digits[:])
}
