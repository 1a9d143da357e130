package remediate

import (
	"fmt"
	"time"

	"github.com/prometheus/alertmanager/timeinterval"
	"gopkg.in/yaml.v2"
)

// Hours are times of the week and the year, as Alertmanager's `time_intervals` has
// them, in YAML or JSON: a list of intervals. An incident keeps its own as this
// text, which means the same tomorrow.
type Hours string

// ParseHours reads hours; the error says what is wrong in them.
func ParseHours(text string) (Hours, error) {
	if _, err := Hours(text).intervals(); err != nil {
		return "", fmt.Errorf("cannot read times: %w", err)
	}
	return Hours(text), nil
}

func (h Hours) intervals() (all []timeinterval.TimeInterval, err error) {
	return all, yaml.UnmarshalStrict([]byte(h), &all)
}

// Have reports whether a moment lies within the hours. No hours are always, and so
// are hours that can't be read: people rather hear too early than never.
func (h Hours) Have(at time.Time) bool {
	if h == "" {
		return true
	}
	all, err := h.intervals()
	if err != nil || len(all) == 0 {
		return true
	}
	for _, interval := range all {
		if interval.ContainsTime(at.UTC()) {
			return true
		}
	}
	return false
}
