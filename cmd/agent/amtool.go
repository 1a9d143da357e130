package main

import (
	"bytes"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// listedAlert is an alert as Alertmanager's API v2 lists it, and amtool prints it.
type listedAlert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Status       struct {
		State string `json:"state"`
	} `json:"status"`
}

// sentAlert is the same as a webhook brings it.
type sentAlert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

// webhookBody makes the body of a webhook of what somebody has: that body itself,
// or the list that amtool prints. It says how many of the listed are muted.
func webhookBody(text []byte, now time.Time) (body []byte, muted int, err error) {
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) == 0 {
		return nil, 0, fmt.Errorf("cannot explain nothing: expected the body of a webhook, or what `amtool alert -o json` prints")
	}
	if trimmed[0] != '[' {
		return text, 0, nil
	}
	var listed []listedAlert
	if err := json.Unmarshal(trimmed, &listed); err != nil {
		return nil, 0, fmt.Errorf("cannot read the list of alerts: %w; expected what `amtool alert -o json` prints", err)
	}
	sent := make([]sentAlert, len(listed))
	for n, alert := range listed {
		sent[n] = alert.sent(now)
		if alert.Status.State == "suppressed" {
			muted++
		}
	}
	body, err = json.Marshal(map[string]any{"version": "4", "receiver": "explain", "alerts": sent})
	return body, muted, err
}

// sent is the alert as Alertmanager would send it now: one that fires has no end,
// while the API says when it would count as resolved.
func (a listedAlert) sent(now time.Time) sentAlert {
	s := sentAlert{"firing", a.Labels, a.Annotations, a.StartsAt, a.EndsAt, a.GeneratorURL}
	if !a.EndsAt.IsZero() && a.EndsAt.Before(now) {
		s.Status = "resolved"
		return s
	}
	s.EndsAt = time.Time{}
	return s
}
