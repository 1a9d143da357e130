package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"nightshift/test/site"
	"nightshift/test/world"
)

// options say how the demo is run.
type options struct {
	Factor       int                // divides every duration
	Alertmanager world.Alertmanager // which one tells the agent
	Keep         bool               // whether it is left running at the end, until ctx ends
	Interactive  bool               // whether a person approves, and not the demo
	Boots        time.Duration      // the least time that a boot may take
	Out          io.Writer
	Log          io.Writer // progress of what is built and started
	Colour       bool
}

// demo is a running one.
type demo struct {
	options
	site, host *site.Site
	oncall     *terminal
	show       *timeline
}

// errStopped is the end of a demo whose ctx ended.
var errStopped = errors.New("stopped")

// run plays all acts. Its error says which was not repaired as it should be, or
// why it could not be played.
func run(ctx context.Context, o options) (err error) {
	d := &demo{options: o, show: &timeline{out: o.Out, colour: o.Colour}}
	d.introduce()
	defer func() { err = errors.Join(err, d.lower()) }()
	dir, err := os.MkdirTemp("", "nightshift-")
	if err != nil {
		return fmt.Errorf("cannot build the agent: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := d.raise(ctx, dir); err != nil {
		return stopped(ctx, err)
	}
	err = stopped(ctx, d.playAll(ctx))
	if o.Keep && ctx.Err() == nil {
		return errors.Join(err, d.keep(ctx))
	}
	return err
}

// raise builds the program into dir, gives it to a person, and starts both machines
// with it at once: where one can't be started, the other is not waited for.
func (d *demo) raise(ctx context.Context, dir string) error {
	program, err := site.Build(ctx, dir, d.Log)
	if err != nil {
		return err
	}
	if d.oncall, err = openTerminal(ctx, program); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o := site.Options{Factor: d.Factor, Alertmanager: d.Alertmanager, Program: program, Log: d.Log}
	outside := o
	outside.VMHost, outside.Boots, outside.People = true, d.Boots, []site.Person{d.oncall.person}
	var both sync.WaitGroup
	var errs [2]error
	start := func(into **site.Site, o site.Options, err *error) {
		if *into, *err = site.Start(ctx, o); *err != nil {
			cancel()
		}
	}
	both.Go(func() { start(&d.site, o, &errs[0]) })
	both.Go(func() { start(&d.host, outside, &errs[1]) })
	both.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	d.oncall.url, err = d.host.PeopleURL()
	return err
}

// lower ends what was started.
func (d *demo) lower() error {
	var both sync.WaitGroup
	var errs [2]error
	for n, s := range []*site.Site{d.site, d.host} {
		if s != nil {
			both.Go(func() { errs[n] = s.Stop() })
		}
	}
	both.Wait()
	return errors.Join(errs[:]...)
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
	d.show.say("All else (Debian roots with systemd, nginx, postgresql, Prometheus, Alertmanager and QEMU; programs built with Go)")
	d.show.say("is kept below " + cacheDir() + "; making it takes some minutes, once.")
	if d.Factor == 1 {
		d.show.say("Every duration is as it ships: this takes about half an hour.")
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

// playAll plays the acts one after the other, with all healthy before and after.
func (d *demo) playAll(ctx context.Context) error {
	begin := time.Now()
	if err := d.prologue(ctx); err != nil {
		return err
	}
	var results []*result
	for n, a := range acts {
		d.show.title(fmt.Sprintf("Act %d of %d: %s", n+1, len(acts), a.name))
		if a.note != "" {
			d.show.say(a.note)
		}
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

// prologue waits for both machines to be without alerts, has the agents themselves say
// that all is well, and somebody work in the virtual machine.
func (d *demo) prologue(ctx context.Context) error {
	calm, cancel := context.WithTimeout(ctx, d.patience(time.Minute))
	defer cancel()
	for _, s := range []*site.Site{d.site, d.host} {
		if err := s.AwaitCalm(calm); err != nil {
			return err
		}
	}
	for range 7 {
		if _, err := d.host.VM().Count(ctx); err != nil {
			return err
		}
	}
	d.show.title("Before")
	return d.check(ctx)
}

// epilogue sums up, also when a machine is not healthy.
func (d *demo) epilogue(ctx context.Context, results []*result, took time.Duration) error {
	d.show.title("After")
	unwell := d.check(ctx)
	d.show.title("What was repaired")
	writeTable(d.Out, results)
	return errors.Join(d.show.verdict(results, took), unwell)
}

// check prints what the runbook's health check says of each machine, and how the
// virtual machine stands, run inside as a person would run it.
func (d *demo) check(ctx context.Context) error {
	check := []string{"nightshift", "check", "--wait", d.patience(time.Minute).String()}
	// The database lets in who asks it as the agent does.
	asAgent := append([]string{"runuser", "--user", "nightshift", "--"}, check...)
	return errors.Join(
		d.enter(ctx, d.site, asAgent...),
		d.enter(ctx, d.host, check...),
		d.enter(ctx, d.host, "nightshift", "vm", "status"),
	)
}

// enter runs a command and prints what it says.
func (d *demo) enter(ctx context.Context, s *site.Site, command ...string) error {
	out, err := s.Exec(ctx, command...)
	d.show.say(s.Name + "# " + strings.Join(command, " "))
	d.show.quote(out)
	return err
}

// patience is how long something is waited for that takes so long when time is
// not divided: with what a busy machine needs on top.
func (d *demo) patience(whole time.Duration) time.Duration {
	return whole/time.Duration(d.Factor) + 2*time.Minute
}
