package world

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// healthPoll is how often a site that starts is looked at.
const healthPoll = 50 * time.Millisecond

// Endpoints are the addresses of the runbook's health check, and the status
// with which each answers when the site is well.
var Endpoints = map[string]int{
	"https://localhost:3002/":         http.StatusOK,
	"https://localhost:3002/grafana/": http.StatusOK,
	"https://localhost:3002/webhook":  http.StatusMethodNotAllowed,
	"http://localhost:9090/-/healthy": http.StatusOK,
}

// AwaitHealthy returns when every endpoint of the site answers as it should,
// or with what does not when ctx ends.
func (w *World) AwaitHealthy(ctx context.Context) error {
	client := w.HTTPClient()
	for url, want := range Endpoints {
		for {
			got, err := status(ctx, client, url)
			if err == nil && got == want {
				break
			}
			if ctx.Err() != nil {
				return fmt.Errorf("cannot wait longer for %s: it answers %d, want %d: %w", url, got, want, err)
			}
			time.Sleep(healthPoll)
		}
	}
	return nil
}

func status(ctx context.Context, client *http.Client, url string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
