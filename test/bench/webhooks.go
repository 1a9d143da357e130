package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// turn is how long one side floods before the other has its turn.
const turn = time.Second

// crowds are how many senders send how many alerts each time.
var crowds = []struct{ senders, alerts int }{{1, 1}, {8, 1}, {64, 1}, {1, 64}, {8, 64}, {64, 64}}

// webhooks floods the agent and the floor in turn. The alerts are this host's
// and match no playbook: what is measured is taking them in, for good.
func (b *bench) webhooks(ctx context.Context) (rows []row, err error) {
	agent, floor, err := b.startBoth(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, agent.stop(), floor.kill()) }()
	for _, crowd := range crowds {
		found, err := b.flooded(ctx, agent, crowd.senders, crowd.alerts)
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

// startBoth starts an agent and a floor that have no past.
func (b *bench) startBoth(ctx context.Context) (agent, floor *process, err error) {
	ours, err := b.newDir("agent")
	if err != nil {
		return nil, nil, err
	}
	theirs, err := b.newDir("floor")
	if err != nil {
		return nil, nil, err
	}
	if agent, err = startAgent(ctx, ours); err != nil {
		return nil, nil, err
	}
	if floor, err = startFloor(ctx, theirs); err != nil {
		return nil, nil, errors.Join(err, agent.kill())
	}
	return agent, floor, nil
}

// side is one side's turns of a flood.
type side struct{ rate, quick, slow []float64 }

func (b *bench) flooded(ctx context.Context, agent *process, senders, alerts int) ([]row, error) {
	body := unmatched(alerts, 0)
	var ours, floor side
	refused := 0
	turnOf := func(s *side, addr string, request []byte) func() error {
		return func() error {
			agent.settle() // what it was left with is its own
			f, err := floodWith(ctx, addr, request, senders, turn)
			if err != nil {
				return err
			}
			refused += f.refused
			s.rate = append(s.rate, f.perSecond())
			s.quick, s.slow = append(s.quick, quick(f.took)), append(s.slow, slow(f.took))
			return nil
		}
	}
	err := alternate(b.rounds, turnOf(&ours, agentAddr, webhookRequest(body)), turnOf(&floor, floorAddr, request("/webhook", body)))
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("%d × %d alerts", senders, alerts)
	rows := []row{
		turns{ours.rate, floor.rate}.row(what, "POST/s", "decode, group-commit, fdatasync").ratioAtLeast(0.7),
		turns{ours.quick, floor.quick}.row(what+", p50", "ms", ""),
		turns{ours.slow, floor.slow}.row(what+", p99", "ms", ""),
	}
	if refused > 0 {
		rows = append(rows, row{What: what + ", refused", Unit: "POST", Ours: float64(refused)}.atMost(0))
	}
	return rows, nil
}
