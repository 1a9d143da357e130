package main

import (
	"context"
	"fmt"
	"os"

	"nightshift/alerts/webhook"
)

// Where the agent of the figures is reached; the world has a network of its own.
const (
	agentAddr = "127.0.0.1:9797"
	natsAddr  = "127.0.0.1:9798"
	floorAddr = "127.0.0.1:9700"
	countAddr = "127.0.0.1:9701" // a counter that the agent's probe scrapes
)

// The dispatcher that the coded playbook restarts, and the alert that it is for.
const (
	dispatcher      = "webhook-dispatcher.service"
	dispatcherAlert = "rave_webhook_errors"
)

const inventoryFile = "/etc/nightshift-bench.yaml"

// inventory is a small site: one unit, and one probe that samples all the time.
const inventory = `host:
  name: rave-1
  alerts: ['instance="rave-1:9100"']
probes:
  webhook-errors: {metric: webhook_errors_total, from: "http://` + countAddr + `/metrics", max: 10, per: 20s}
units:
  ` + dispatcher + `: {}
playbooks:
  - {name: webhook-errors, verify: {settle: 1s, window: 2s, every: 500ms}, keep_level: true}
# What is measured is done far more often than a site may.
rates: {touched: 10000/1h, playbook: 10000/1h, host: 10000/1h}
breaker: {touched: 100, playbook: 100}
storm: {targets: 1000}
flapping: 10000/1h
startup_grace: 0s
`

// furnish writes what the figures need inside the world.
func furnish() error {
	if err := os.MkdirAll(benchDir, 0o750); err != nil {
		return err
	}
	return os.WriteFile(inventoryFile, []byte(inventory), 0o644)
}

// startAgent starts the agent as it is shipped, with its state in dir.
func startAgent(ctx context.Context, dir string) (*process, error) {
	p, err := launch(ctx, dir, []string{
		"NIGHTSHIFT_CONFIG=" + inventoryFile, "NIGHTSHIFT_MODE=act", "NIGHTSHIFT_STATE_DIR=" + dir,
		"NIGHTSHIFT_LISTEN=" + agentAddr, "NIGHTSHIFT_NATS_LISTEN=" + natsAddr,
	}, agentProgram, "run")
	if err != nil {
		return nil, fmt.Errorf("cannot start the agent: %w", err)
	}
	return p, nil
}

// webhookRequest is a webhook that is ready to be sent to the agent.
func webhookRequest(body string) []byte { return request(webhook.Path, body) }
