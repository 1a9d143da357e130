package probe

import (
	"context"
	"fmt"
	"time"

	"nightshift/remediate"
)

// DefaultTimeout bounds a look whose options don't.
const DefaultTimeout = 5 * time.Second

// answer is what one look saw.
type answer struct {
	health remediate.Health
	detail string
}

func healthy(format string, args ...any) answer {
	return answer{remediate.Healthy, fmt.Sprintf(format, args...)}
}

func unhealthy(format string, args ...any) answer {
	return answer{remediate.Unhealthy, fmt.Sprintf(format, args...)}
}

func unknown(format string, args ...any) answer {
	return answer{remediate.Unknown, fmt.Sprintf(format, args...)}
}

// ask looks within a timeout. When whoever asked no longer waits, what went wrong
// says nothing about the world.
func ask(ctx context.Context, name string, timeout time.Duration, look func(context.Context) answer) remediate.Observation {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, orDefault(timeout))
	defer cancel()
	seen := look(limited)
	if ctx.Err() != nil && seen.health != remediate.Healthy {
		seen = unknown("the question was taken back before there was an answer")
	}
	return remediate.Observation{
		Probe:  name,
		Health: seen.health,
		Detail: remediate.Brief(seen.detail),
		Took:   time.Since(began),
	}
}

// orDefault is a timeout, or the default where none is given.
func orDefault(timeout time.Duration) time.Duration {
	if timeout <= 0 {
		return DefaultTimeout
	}
	return timeout
}
