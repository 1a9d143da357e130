package main

import (
	"context"
	"fmt"
	"time"

	"nightshift/remediate"
	"nightshift/test/site"
)

// result is what came of an act.
type result struct {
	act      act
	incident remediate.Incident
	// Since the break: the alert fires, the first intent is durable, the
	// incident is resolved. 0 is never.
	alerted, acted, fixed time.Duration
	// untouched are the services that ran on.
	untouched []string
	// problems are what is not as it has to be.
	problems []string
}

// play breaks something and follows what becomes of it, until the site is healthy
// and without alerts again, or people have it.
func (d *demo) play(ctx context.Context, a act) (*result, error) {
	before, err := d.site.Invocations(ctx)
	if err != nil {
		return nil, err
	}
	w := d.watch(a)
	bounded, cancel := context.WithTimeout(ctx, d.patience(25*time.Minute))
	defer cancel()
	err = w.follow(bounded)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	after, unread := d.site.Invocations(ctx)
	if unread != nil {
		return nil, unread
	}
	started := site.Restarted(before, after)
	w.untouched = site.Untouched(before, after)
	w.say(time.Now(), "units", plain, "another InvocationID than before: "+names(started)+"; the same: "+names(w.untouched))
	w.judge(started, err)
	return w.result, nil
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
		case e := <-w.site.Events():
			w.heard(ctx, e)
		case <-tick.C:
			w.look(ctx)
		}
	}
	return w.site.AwaitHealthy(ctx)
}

// breakIt begins to break the site.
func (w *watch) breakIt(ctx context.Context) <-chan error {
	w.say(w.show.zero, "break", red, w.act.breaks)
	broken := make(chan error, 1)
	go func() { broken <- w.act.do(w.site, ctx) }()
	return broken
}
