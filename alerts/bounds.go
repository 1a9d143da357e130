package alerts

import (
	"maps"
	"slices"
	"unicode/utf8"
)

// What is kept of a notification, so that neither one alert nor the events
// made of it can grow with what somebody posts. Real alerts have a dozen short
// labels; Prometheus itself sets no limit unless told to.
const (
	// MaxAlerts of one notification are kept, the first ones; the rest is
	// counted in Notification.Truncated.
	MaxAlerts = 1000
	// MaxLabels of an alert, and as many annotations, are stored. An alert with
	// more labels is Truncated; annotations decide nothing, they are just cut.
	MaxLabels = 64
	// MaxName is the longest name of a label or an annotation, in bytes. One
	// with a longer name is left out of what is stored.
	MaxName = 256
	// MaxValue is the longest value of a label or an annotation, and the longest
	// URL, receiver and group key, in bytes. What is longer is stored cut.
	MaxValue = 2048
)

// tooLarge reports whether labels, or annotations, would be stored cut.
func tooLarge(labels map[string]string) bool {
	if len(labels) > MaxLabels {
		return true
	}
	for name, value := range labels {
		if len(name) > MaxName || len(value) > MaxValue {
			return true
		}
	}
	return false
}

// Bounded is the alert as it is stored: at most MaxLabels labels and
// annotations, the first ones by name but always the alertname, none of their
// names and values too long. The fingerprint stays that of all labels.
func (a Alert) Bounded() Alert {
	if tooLarge(a.Labels) {
		a.Labels = cutMap(a.Labels)
		a.Truncated = true
	}
	if tooLarge(a.Annotations) {
		a.Annotations = cutMap(a.Annotations)
	}
	a.GeneratorURL = cut(a.GeneratorURL)
	return a
}

// cutMap keeps the first MaxLabels names that are short enough; alertname is
// counted first, as everything that people read of an alert begins with it.
func cutMap(from map[string]string) map[string]string {
	kept := make(map[string]string, MaxLabels)
	if name, ok := from["alertname"]; ok {
		kept["alertname"] = cut(name)
	}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if len(kept) == MaxLabels {
			break
		}
		if len(name) <= MaxName {
			kept[name] = cut(from[name])
		}
	}
	return kept
}

// cut shortens s to MaxValue bytes, between two characters.
func cut(s string) string {
	if len(s) <= MaxValue {
		return s
	}
	end := MaxValue
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
