package agent

import (
	"context"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/backtest"
)

// Backtest says what an agent with those settings would have done about the alerts that
// a Prometheus says fired between two times, if it might have acted. No agent need run.
func Backtest(ctx context.Context, s Settings, prometheus string, from, until time.Time) (backtest.Report, error) {
	s.Mode = remediate.Act
	file, err := s.Inventory()
	if err != nil {
		return backtest.Report{}, err
	}
	config, err := configure(s, file)
	if err != nil {
		return backtest.Report{}, err
	}
	fired, err := backtest.History(ctx, prometheus, from, until)
	if err != nil {
		return backtest.Report{}, err
	}
	return backtest.Run(config, file.Scope, fired, from, until)
}
