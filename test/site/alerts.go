package site

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Alert is one alert that Prometheus holds.
type Alert struct {
	Name  string
	State string // pending or firing
	// Active is since when the expression is true, Evaluated when the rule was
	// last looked at.
	Active, Evaluated time.Time
	Summary           string
}

// rules is what is read of Prometheus' rules,
// https://prometheus.io/docs/prometheus/latest/querying/api/#rules
type rules struct {
	Data struct {
		Groups []struct {
			Rules []rule `json:"rules"`
		} `json:"groups"`
	} `json:"data"`
}

type rule struct {
	Name           string    `json:"name"`
	LastEvaluation time.Time `json:"lastEvaluation"`
	Alerts         []struct {
		State       string            `json:"state"`
		ActiveAt    time.Time         `json:"activeAt"`
		Annotations map[string]string `json:"annotations"`
	} `json:"alerts"`
}

// watchdog is the alert that always fires: that it is there is no news.
const watchdog = "Watchdog"

// Alerts are those that Prometheus holds, pending and firing, without its sign of
// life.
func (s *Site) Alerts(ctx context.Context) ([]Alert, error) {
	var answer rules
	if err := s.get(ctx, prometheus+"/api/v1/rules?type=alert", &answer); err != nil {
		return nil, err
	}
	var found []Alert
	for _, group := range answer.Data.Groups {
		for _, r := range group.Rules {
			if r.Name == watchdog {
				continue
			}
			for _, a := range r.Alerts {
				found = append(found, Alert{r.Name, a.State, a.ActiveAt, r.LastEvaluation, a.Annotations["summary"]})
			}
		}
	}
	return found, nil
}

// Told are the names of the alerts that Alertmanager holds as firing, without signs
// of life and what the agent itself tells: what it has not been told of again, it
// drops a while later.
func (s *Site) Told(ctx context.Context) ([]string, error) {
	var answer []struct {
		Labels map[string]string `json:"labels"`
	}
	if err := s.get(ctx, alertmanager+"/api/v2/alerts?active=true", &answer); err != nil {
		return nil, err
	}
	var names []string
	for _, a := range answer {
		name := a.Labels["alertname"]
		if name != watchdog && !strings.HasPrefix(name, "Nightshift") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// AwaitCalm waits until the site is healthy, Prometheus and Alertmanager hold no
// alert, and says what there is if ctx ends before.
func (s *Site) AwaitCalm(ctx context.Context) error {
	if err := s.AwaitHealthy(ctx); err != nil {
		return err
	}
	return until(ctx, "the end of all alerts", func() (bool, error) {
		alerts, err := s.Alerts(ctx)
		if err != nil {
			return false, err
		}
		told, err := s.Told(ctx)
		if err != nil {
			return false, err
		}
		if len(alerts)+len(told) > 0 {
			return false, fmt.Errorf("prometheus holds %v, alertmanager %v", alerts, told)
		}
		return true, nil
	})
}

// get reads a JSON answer of a server of the site.
func (s *Site) get(ctx context.Context, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := s.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("cannot read %s: it answers %s", url, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}
