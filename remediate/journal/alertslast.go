package journal

import (
	"context"
	"fmt"
)

// LastAlerts is the position of the batch of alerts that was stored last; 0 when none
// was.
func (j *Journal) LastAlerts(ctx context.Context) (uint64, error) {
	state, err := j.alerts.state(ctx)
	if err != nil {
		return 0, fmt.Errorf("cannot find the last alerts: %w", err)
	}
	return state.LastSeq, nil
}
