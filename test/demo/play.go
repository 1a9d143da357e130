package main

import (
	"context"
	"fmt"
	"time"

	"nightshift/remediate"
)

// result is what came of an act.
type result struct {
	act      act
	incident remediate.Incident
	// Since the break: the alert fires, the first intent is durable, the
	// incident is resolved. 0 is never.
	alerted, acted, fixed time.Duration
	// untouched is what is the same as before.
	untouched []string
	// waited are the rungs that waited for a person.
	waited []string
	// problems are what is not as it has to be.
	problems []string
}

// play breaks something and follows what becomes of it, until the stage is healthy
// and without alerts again, or people have it.
func (d *demo) play(ctx context.Context, a act) (*result, error) {
	before, err := d.stands(ctx, a.stage)
	if err != nil {
		return nil, err
	}
	w := d.watch(a)
	bounded, cancel := context.WithTimeout(ctx, d.patience(25*time.Minute)+d.thinking(a))
	defer cancel()
	err = w.follow(bounded)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	after, unread := d.stands(ctx, a.stage)
	if unread != nil && err == nil {
		return nil, unread
	}
	anew, same := compare(before, after)
	w.untouched = same
	w.say(time.Now(), "compared", plain, "another than before: "+names(anew)+"; the same: "+names(same), details(before, after)...)
	w.judge(anew, err)
	return w.result, nil
}

// thinking is how long a person may take in an act.
func (d *demo) thinking(a act) time.Duration {
	if a.held == "" || !d.Interactive {
		return 0
	}
	return remediate.ApprovalLasts
}

// follow is the loop of an act.
func (w *watch) follow(ctx context.Context) error {
	broken := w.breakIt(ctx)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for !w.over() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("gave up to wait: %w", ctx.Err())
		case err := <-broken:
			broken = nil
			if err != nil {
				return err
			}
			if w.act.broken != "" {
				w.say(time.Now(), "break", red, w.act.broken)
			}
		case e := <-w.at.Events():
			w.heard(ctx, e)
		case <-tick.C:
			w.look(ctx)
		}
	}
	return w.at.AwaitHealthy(ctx)
}

// breakIt begins to break the stage.
func (w *watch) breakIt(ctx context.Context) <-chan error {
	w.say(w.show.zero, "break", red, w.act.breaks)
	broken := make(chan error, 1)
	go func() { broken <- w.act.do(w.at, ctx) }()
	return broken
}
