package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
)

// fewEvents is a history of some months.
const fewEvents = 10_000

// starts times the agent from its start until it says that it is ready, beside a
// start of the same program that does nothing. Each start comes after a kill, and
// finds what a crash leaves.
func (b *bench) starts(ctx context.Context) ([]row, error) {
	empty, err := b.newDir("empty")
	if err != nil {
		return nil, err
	}
	few, err := b.newDir("few")
	if err != nil {
		return nil, err
	}
	if err := writePast(ctx, few, fewEvents); err != nil {
		return nil, err
	}
	var rows []row
	for _, state := range []struct {
		what, dir string
		limit     float64
	}{{"start to ready, no history", empty, 50}, {"start to ready, 10,000 events", few, 50}} {
		t, _, err := b.startsWith(ctx, state.dir, 2*b.rounds)
		if err != nil {
			return nil, err
		}
		rows = append(rows, t.row(state.what, "ms", "the same program, `version`").atMost(state.limit))
	}
	return rows, nil
}

// startsWith starts the agent on one state again and again, and kills it each
// time; it returns the time and the memory that each start took.
func (b *bench) startsWith(ctx context.Context, dir string, times int) (took turns, resident []float64, err error) {
	err = alternate(times, func() error {
		p, err := startAgent(ctx, dir)
		if err != nil {
			return err
		}
		took.ours = append(took.ours, ms(p.ready))
		p.settle()
		now, _ := p.resident()
		resident = append(resident, now)
		return errors.Join(p.alive(), p.kill())
	}, timed(&took.floor, func() error {
		if out, err := exec.CommandContext(ctx, agentProgram, "version").CombinedOutput(); err != nil {
			return fmt.Errorf("cannot run %s version: %w: %s", agentProgram, err, out)
		}
		return nil
	}))
	return took, resident, err
}
