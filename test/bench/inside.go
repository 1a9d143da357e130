package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// figure is one measurement: what it is called, and what it comes to.
type figure struct {
	name, about string
	measure     func(*bench, context.Context) ([]row, error)
}

// figures are all of them, in the order in which they are measured.
var figures = []figure{
	{"webhooks", "durable webhooks per second, beside a handler that decodes and group-commits to a file", (*bench).webhooks},
	{"intent", "from a webhook to the durable intent, and to systemd, 200 incidents a second", (*bench).intents},
	{"restart", "a unit restarted over D-Bus, beside systemctl", (*bench).restarts},
	{"start", "from the start of the process to ready", (*bench).starts},
	{"memory", "resident memory and idle CPU", (*bench).memory},
	{"hostile", "good traffic beside slow, greedy and repeating clients", (*bench).hostile},
	{"history", "start and memory with a long history", (*bench).longHistory},
	{rollbackFigure, "from the approval of a rollback to the first healthy answer, beside the bare steps", nil},
}

// rollbackFigure has a world of its own, and is measured from outside.
const rollbackFigure = "rollback"

func figureNames() []string {
	var names []string
	for _, f := range figures {
		names = append(names, f.name)
	}
	return names
}

// bench is what the figures share.
type bench struct {
	options
	dirs int
}

// inside measures what was asked for and leaves the report where the host finds
// it.
func inside(ctx context.Context, o options) error {
	if err := furnish(); err != nil {
		return err
	}
	b := &bench{options: o}
	r := report{Conditions: conditions()}
	for _, f := range figures {
		if f.measure == nil || !o.wants(f.name) {
			continue
		}
		began := time.Now()
		rows, err := f.measure(b, ctx)
		if err != nil {
			return fmt.Errorf("cannot measure %s: %w", f.name, err)
		}
		r.add(f.name, rows)
		progress("%s: %.0f s", f.name, time.Since(began).Seconds())
	}
	r.Conditions.end()
	return r.writeJSON(reportFile)
}

// newDir is an empty directory on the disk.
func (b *bench) newDir(name string) (string, error) {
	b.dirs++
	dir := filepath.Join(benchDir, fmt.Sprintf("%s-%d", name, b.dirs))
	return dir, errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o750))
}

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}
