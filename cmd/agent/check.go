package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/agent"
)

// askAgain is the pause between two rounds of `check --wait` and `--watch`.
const askAgain = 2 * time.Second

// checkFlags say how often to ask.
type checkFlags struct {
	wait  period
	watch bool
	json  bool
}

func (c *cli) checkCommand() *cobra.Command {
	var flags checkFlags
	command := &cobra.Command{
		Use:   "check",
		Short: "Run every probe and look at every unit: the health check of this host",
		Long: "Run every probe of the inventory and look at each of its units. Exit status 0: all healthy,\n" +
			"1: something is unhealthy, 2: something can't be told, or the check itself failed.",
		Args: cobra.NoArgs,
	}
	output := addOutput(command)
	command.Flags().Var(&flags.wait, "wait", "ask again until all is healthy, for so long at most: 5m")
	command.Flags().BoolVar(&flags.watch, "watch", false, "ask again and again, until Ctrl-C")
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		if flags.watch && flags.wait > 0 {
			return wrongUse("cannot both --wait and --watch: choose one")
		}
		flags.json = output.json()
		return undecided(c.check(cmd.Context(), flags))
	}
	return command
}

// undecided makes of any error but a verdict that it can't be told how things are.
func undecided(err error) error {
	if verdict := new(failure); err == nil || errors.As(err, verdict) && verdict.err == nil {
		return err
	}
	return failure{statusUsage, err}
}

func (c *cli) check(ctx context.Context, flags checkFlags) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	file, err := settings.Inventory()
	if err != nil {
		return err
	}
	run, closeChecks, err := agent.Checks(ctx, settings, file, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer closeChecks()
	k := checker{run: run, out: newScreen(c.out), progress: newScreen(c.err), now: c.now, json: flags.json}
	switch {
	case flags.watch:
		return k.watch(ctx)
	case flags.wait > 0:
		return k.wait(ctx, time.Duration(flags.wait))
	}
	return k.once(ctx)
}

// checker asks, and shows what was answered.
type checker struct {
	run           func(context.Context) []agent.Checked
	out, progress screen
	now           func() time.Time
	json          bool
}

// once asks, and what can't be told at first sight once more: the rise of a counter
// takes two looks.
func (k checker) once(ctx context.Context) error {
	checked := k.run(ctx)
	if worst(checked) == remediate.Unknown && len(checked) > 0 && sleep(ctx, askAgain) {
		checked = k.run(ctx)
	}
	return k.report(checked)
}

// wait asks until all is healthy or the time is over, and reports the last round.
func (k checker) wait(ctx context.Context, most time.Duration) error {
	began := k.now()
	said := ""
	for {
		checked := k.run(ctx)
		left := most - k.now().Sub(began)
		if worst(checked) == remediate.Healthy || left <= 0 {
			return k.report(checked)
		}
		if news := summary(checked); news != said {
			k.progress.line(in(faint, fmt.Sprintf("%8s  ", "+"+span(k.now().Sub(began)))), say(news))
			said = news
		}
		if !sleep(ctx, min(left, askAgain)) {
			return ctx.Err()
		}
	}
}

// watch shows each round in the place of the one before, until ctx ends; what the
// last one said is the exit status.
func (k checker) watch(ctx context.Context) error {
	for {
		checked := k.run(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if k.out.isTerminal() && !k.json {
			fmt.Fprint(k.out.w, clearScreen)
		}
		verdict := k.report(checked)
		if !sleep(ctx, askAgain) {
			return verdict
		}
	}
}

// clearScreen goes home and erases to the end: CUP and ED of ECMA-48.
const clearScreen = "\x1b[H\x1b[2J"

// sleep waits, and reports whether ctx lasted.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// report shows a round and returns its verdict.
func (k checker) report(checked []agent.Checked) error {
	if k.json {
		if err := writeJSON(k.out.w, shownChecks(checked, k.now())); err != nil {
			return err
		}
		return verdictOf(checked)
	}
	checkTable(checked).write(k.out)
	k.out.line(in(healthStyle(worst(checked)), summary(checked)))
	return verdictOf(checked)
}
