package engine

import (
	"cmp"
	"context"
	"slices"

	"nightshift/alerts"
	"nightshift/remediate"
)

// Alerts are the last words on the alerts that belong to each live incident, those
// that only hang on it not among them.
func (e *Engine) Alerts(ctx context.Context) (map[remediate.ID][]alerts.Alert, error) {
	known := map[remediate.ID][]alerts.Alert{}
	err := e.call(ctx, func() error {
		for _, episode := range e.ledger.Episodes {
			if i := e.ledger.Incidents[episode.Incident]; i != nil && i.State.Live() && !episode.Hangs {
				known[i.ID] = append(known[i.ID], episode.Alert)
			}
		}
		return nil
	})
	for _, of := range known {
		slices.SortFunc(of, func(a, b alerts.Alert) int { return cmp.Compare(a.Fingerprint, b.Fingerprint) })
	}
	return known, err
}
