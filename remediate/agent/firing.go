package agent

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"nightshift/alerts"
	"nightshift/alerts/alertmanager"
)

// everyAlert selects each alert: none is without a name.
var everyAlert = alerts.Matching(`alertname=~".+"`)

// Firing asks the Alertmanagers of the settings for what they have now, each alert
// once, and returns the list as their API and amtool write it. One that does not answer
// does no harm where another does: then it is in silent. An error says that none
// answered, or that the settings name none.
func Firing(ctx context.Context, s Settings) (list []byte, silent []error, err error) {
	clients, err := alertmanagers(s)
	if err != nil {
		return nil, nil, configError{err}
	}
	if len(clients) == 0 {
		return nil, nil, configError{errors.New("cannot ask what fires: no Alertmanager is named; set NIGHTSHIFT_ALERTMANAGER_URL, like http://localhost:9093")}
	}
	firing := []alertmanager.Known{}
	for _, client := range clients {
		known, err := client.Alerts(ctx, everyAlert)
		client.Close()
		if err != nil {
			silent = append(silent, err)
			continue
		}
		for _, k := range known {
			if !slices.ContainsFunc(firing, func(f alertmanager.Known) bool { return f.Fingerprint() == k.Fingerprint() }) {
				firing = append(firing, k)
			}
		}
	}
	if len(silent) == len(clients) {
		return nil, nil, errors.Join(silent...)
	}
	list, err = json.Marshal(firing)
	return list, silent, err
}
