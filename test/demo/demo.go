package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"nightshift/test/site"
	"nightshift/test/world"
)

// options say how the demo is run.
type options struct {
	Factor       int                // divides every duration
	Alertmanager world.Alertmanager // which one tells the agent
	Keep         bool               // whether it is left running at the end, until ctx ends
	Out          io.Writer
	Log          io.Writer // progress of what is built and started
	Colour       bool
}

// demo is a running one.
type demo struct {
	options
	site *site.Site
	show *timeline
}

// errStopped is the end of a demo whose ctx ended.
var errStopped = errors.New("stopped")

// run plays all acts. Its error says which was not repaired as it should be, or
// why it could not be played.
func run(ctx context.Context, o options) (err error) {
	d := &demo{options: o, show: &timeline{out: o.Out, colour: o.Colour}}
	d.introduce()
	if d.site, err = site.Start(ctx, site.Options{Factor: o.Factor, Alertmanager: o.Alertmanager, Log: o.Log}); err != nil {
		return stopped(ctx, err)
	}
	defer func() { err = errors.Join(err, d.site.Stop()) }()
	err = stopped(ctx, d.playAll(ctx))
	if o.Keep && ctx.Err() == nil {
		return errors.Join(err, d.keep(ctx))
	}
	return err
}

// stopped is err, unless that only says that ctx has ended.
func stopped(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return errStopped
	}
	return err
}

// introduce says what is needed and what is about to be made, before it is.
func (d *demo) introduce() {
	d.show.title("Nightshift's demo")
	d.show.say("Needs root, for namespaces and control groups. Of Debian's packages this host gets mmdebstrap, if that is missing.")
	d.show.say("All else (a Debian root with systemd, nginx, postgresql, Prometheus and Alertmanager; programs built with Go) is")
	d.show.say("kept below " + cacheDir() + "; making it takes some minutes, once.")
	if d.Factor == 1 {
		d.show.say("Every duration is as it ships: this takes about 20 minutes.")
		return
	}
	d.show.say(fmt.Sprintf("Durations (scrapes, `for:`, windows) are divided by %d; REAL=1 does not divide.", d.Factor))
}

// cacheDir is where worlds keep what is expensive to make.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "a cache directory" // the world will say what is wrong with it
	}
	return filepath.Join(dir, "nightshift")
}

// playAll plays the acts one after the other, between two healthy sites.
func (d *demo) playAll(ctx context.Context) error {
	begin := time.Now()
	if err := d.prologue(ctx); err != nil {
		return err
	}
	var results []*result
	for n, a := range acts {
		d.show.title(fmt.Sprintf("Act %d of %d: %s", n+1, len(acts), a.name))
		r, err := d.play(ctx, a)
		if err != nil {
			return err
		}
		results = append(results, r)
		if len(r.problems) > 0 {
			d.explain(ctx, r)
			break
		}
	}
	return d.epilogue(ctx, results, time.Since(begin))
}

// prologue waits for a site without alerts, and has the agent itself say that all
// is well.
func (d *demo) prologue(ctx context.Context) error {
	calm, cancel := context.WithTimeout(ctx, d.patience(time.Minute))
	defer cancel()
	if err := d.site.AwaitCalm(calm); err != nil {
		return err
	}
	d.show.title("Before")
	return d.check(ctx)
}

// epilogue sums up, also when the site is not healthy.
func (d *demo) epilogue(ctx context.Context, results []*result, took time.Duration) error {
	d.show.title("After")
	unwell := d.check(ctx)
	d.show.title("What was repaired")
	writeTable(d.Out, results)
	return errors.Join(d.show.verdict(results, took), unwell)
}

// check prints what the runbook's health check says, run inside as a person would
// run it.
func (d *demo) check(ctx context.Context) error {
	command := []string{"nightshift", "check", "--wait", d.patience(time.Minute).String()}
	out, err := d.site.Exec(ctx, command...)
	d.show.say("rave-1# " + strings.Join(command, " "))
	d.show.quote(out)
	return err
}

// patience is how long something is waited for that takes so long when time is
// not divided: with what a busy machine needs on top.
func (d *demo) patience(whole time.Duration) time.Duration {
	return whole/time.Duration(d.Factor) + 2*time.Minute
}
