package main

import (
	"context"
	"errors"
	"time"
)

const (
	// idleFor is how long the agent is left alone to see what it uses.
	idleFor = 30 * time.Second
	// manyAlerts come in webhooks of batchOf.
	manyAlerts, batchOf = 100_000, 64
	// laterOn is when the agent has given back what a burst needed: it does so
	// twice a minute, and some of it takes two turns.
	laterOn = 65 * time.Second
)

// memory reads what the agent holds when it has nothing to do, and after many
// alerts, beside the bare handler that was sent the same.
func (b *bench) memory(ctx context.Context) (rows []row, err error) {
	agent, floor, err := b.startBoth(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, agent.stop(), floor.kill()) }()
	agent.settle()
	before, floorBefore := agent.busy(), floor.busy()
	time.Sleep(idleFor)
	share := func(busy time.Duration) float64 { return 100 * float64(busy) / float64(idleFor) }
	rows = append(rows, resident("resident, idle", agent, floor).atMost(40),
		row{What: "of it anonymous", Unit: "MiB", Ours: agent.anonymous()},
		pair("CPU, idle", "% of one", share(agent.busy()-before), share(floor.busy()-floorBefore)).atMost(0.5))
	for _, to := range []struct{ addr, path string }{{agentAddr, ""}, {floorAddr, "/webhook"}} {
		if err := sendMany(ctx, to.addr, to.path); err != nil {
			return nil, err
		}
	}
	agent.settle()
	rows = append(rows, resident("resident, right after 100,000 alerts", agent, floor))
	time.Sleep(laterOn)
	return append(rows, resident("resident, a minute later", agent, floor).atMost(40)), agent.alive()
}

// sendMany sends alerts that are all different.
func sendMany(ctx context.Context, addr, path string) error {
	_, err := pace{addr: addr, senders: 4, rate: 500, count: (manyAlerts + batchOf - 1) / batchOf, request: func(n int) []byte {
		body := unmatched(batchOf, n*batchOf)
		if path == "" {
			return webhookRequest(body)
		}
		return request(path, body)
	}}.run(ctx)
	return err
}

func resident(what string, agent, floor *process) row {
	ours, _ := agent.resident()
	theirs, _ := floor.resident()
	return pair(what, "MiB", ours, theirs)
}

// pair is a row of one look at each side.
func pair(what, unit string, ours, floor float64) row {
	r := row{What: what, Unit: unit, Ours: ours, Floor: &floor, Beside: "the bare handler"}
	if floor > 0 {
		ratio := ours / floor
		r.Ratio = &ratio
	}
	return r
}
