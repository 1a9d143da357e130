package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	webhookURL = "https://localhost:3002/webhook"
	tokenFile  = "/etc/gitlab/webhook.token"
	caFile     = "/etc/rave/ca.pem"
)

// gitlab sends a webhook every $GITLAB_INTERVAL, through the site's proxy as
// GitLab would, and says when that begins or ceases to work.
func gitlab(ctx context.Context) error {
	interval, err := time.ParseDuration(os.Getenv("GITLAB_INTERVAL"))
	if err != nil || interval <= 0 {
		return fmt.Errorf("cannot read GITLAB_INTERVAL %q: want a duration above 0, like 500ms", os.Getenv("GITLAB_INTERVAL"))
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return fmt.Errorf("cannot read the webhook token: %w", err)
	}
	client, err := trusting(caFile)
	if err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	said := ""
	for tick := time.Tick(interval); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
		}
		result := push(ctx, client, strings.TrimSpace(string(token)))
		if result != said {
			fmt.Println("webhook:", result)
			said = result
		}
	}
}

// trusting is a client that trusts one authority.
func trusting(file string) (*http.Client, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the authority's certificate: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("cannot find a certificate in " + file)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	return &http.Client{Transport: transport, Timeout: 5 * time.Second}, nil
}

// push sends one webhook and names its outcome.
func push(ctx context.Context, client *http.Client, token string) string {
	body := bytes.NewReader([]byte(`{"object_kind":"push","ref":"refs/heads/main"}`))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, webhookURL, body)
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Gitlab-Token", token)
	response, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	return response.Status
}
