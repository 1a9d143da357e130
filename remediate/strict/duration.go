package strict

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"
)

// MaxDuration bounds every duration of a file. Nothing that an agent waits for is
// longer; a larger figure is a slip of the unit.
const MaxDuration = 30 * 24 * time.Hour

// ParseDuration reads a duration as Prometheus writes it, 1h30m or 500ms, above 0 and
// up to [MaxDuration].
func ParseDuration(text string) (time.Duration, error) {
	d, err := ParseDelay(text)
	if err == nil && d == 0 {
		return 0, fmt.Errorf("cannot use duration %q: expected more than 0", text)
	}
	return d, err
}

// ParseDelay reads a duration that may be 0.
func ParseDelay(text string) (time.Duration, error) {
	parsed, err := model.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("cannot read duration %q: expected one like 500ms, 30s, 5m or 1h30m", text)
	}
	if time.Duration(parsed) > MaxDuration {
		return 0, fmt.Errorf("cannot use duration %q: expected at most 30d", text)
	}
	return time.Duration(parsed), nil
}

// Spell writes a duration as a file does.
func Spell(d time.Duration) string { return model.Duration(d).String() }
