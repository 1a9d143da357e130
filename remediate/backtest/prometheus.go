package backtest

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"nightshift/alerts"
)

// Fired is an alert from when it began to fire until it no longer did.
type Fired struct {
	Labels      map[string]string
	From, Until time.Time
}

const (
	// step is how exactly it is known when an alert fired: Prometheus' own default
	// interval of evaluation.
	step = time.Minute
	// chunk is how much one query asks for: 720 samples of a series, far below the
	// 11,000 that Prometheus allows.
	chunk = 12 * time.Hour
	// chunkTimeout bounds one query, and mostFired what is kept of all.
	chunkTimeout = 30 * time.Second
	mostFired    = 100_000
)

// firing selects what fired; an alert that was only pending told nobody.
const firing = `ALERTS{alertstate="firing"}`

// History reads from a Prometheus which alerts fired between two times, by their
// beginnings. Labels that Prometheus adds on the way to Alertmanager (external_labels,
// alert_relabel_configs) do not stand in ALERTS.
func History(ctx context.Context, server string, from, until time.Time) ([]Fired, error) {
	if u, err := url.Parse(server); err != nil || u.Host == "" {
		return nil, fmt.Errorf("cannot ask Prometheus: expected its URL, like http://localhost:9090")
	}
	client, err := api.NewClient(api.Config{Address: server})
	if err != nil {
		return nil, fmt.Errorf("cannot ask Prometheus: %w", err)
	}
	asked, all := v1.NewAPI(client), spans{}
	for at := from.Truncate(step); at.Before(until); at = at.Add(chunk) {
		end := at.Add(chunk - step)
		if end.After(until) {
			end = until
		}
		if err := all.read(ctx, asked, v1.Range{Start: at, End: end, Step: step}); err != nil {
			return nil, fmt.Errorf("cannot read the alerts of %s: %w", at.UTC().Format(time.DateTime), err)
		}
	}
	return all.fired(), nil
}

// spans are the alerts by their fingerprint, the newest span of each last.
type spans map[alerts.Fingerprint][]Fired

func (s spans) read(ctx context.Context, from v1.API, r v1.Range) error {
	ctx, cancel := context.WithTimeout(ctx, chunkTimeout)
	defer cancel()
	value, _, _, err := from.QueryRange(ctx, firing, r)
	if err != nil {
		return err
	}
	matrix, ok := value.(model.Matrix)
	if !ok {
		return fmt.Errorf("expected a matrix, got %s", value.Type())
	}
	for _, series := range matrix {
		labels := map[string]string{}
		for name, v := range series.Metric {
			if name != model.MetricNameLabel && name != "alertstate" {
				labels[string(name)] = string(v)
			}
		}
		for _, sample := range series.Values {
			s.saw(labels, sample.Timestamp.Time())
		}
	}
	if len(s) > mostFired {
		return fmt.Errorf("more than %d alerts: ask for less time", mostFired)
	}
	return nil
}

// saw is one sample: an alert that is missing in no more than one goes on.
func (s spans) saw(labels map[string]string, at time.Time) {
	id := alerts.FingerprintOf(labels)
	known := s[id]
	if n := len(known); n > 0 && at.Sub(known[n-1].Until) <= step {
		known[n-1].Until = at.Add(step)
		return
	}
	s[id] = append(known, Fired{Labels: labels, From: at, Until: at.Add(step)})
}

func (s spans) fired() []Fired {
	var all []Fired
	for _, of := range s {
		all = append(all, of...)
	}
	slices.SortFunc(all, func(a, b Fired) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(alerts.FingerprintOf(a.Labels), alerts.FingerprintOf(b.Labels)))
	})
	return all
}
