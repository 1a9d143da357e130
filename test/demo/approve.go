package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"nightshift/remediate"
)

// runbookAllows is the emergency's objective: a rollback in under five minutes.
const runbookAllows = 5 * time.Minute

// approve is for a rung that waits for a person. Anna says yes at her terminal, to
// exactly what she was shown; with INTERACTIVE=1 you are Anna.
func (w *watch) approve(ctx context.Context) {
	rung := w.incident.Plan.Rungs[w.incident.Rung]
	w.waited = append(w.waited, rung.Name)
	if w.Interactive {
		w.types(ctx, w.oncall.command("approve", string(w.incident.ID), "--dry-run"))
		w.show.say(w.show.in(bold, "You are "+onCall+", on call. Say yes or no at another terminal (or deny, with --comment):"))
		w.show.say("  " + strings.Join(w.oncall.command("approve", string(w.incident.ID)), " "))
		return
	}
	w.types(ctx, w.oncall.command("approve", string(w.incident.ID), "--digest", rung.Digest[:12]))
}

// types runs a command at Anna's terminal and shows what she sees of it; there she has
// the program and her key at hand.
func (w *watch) types(ctx context.Context, command []string) {
	w.show.say(onCall + "$ " + strings.ReplaceAll(strings.Join(command, " "), filepath.Dir(command[0])+"/", ""))
	out, err := w.oncall.run(ctx, command)
	w.show.quote(out)
	if err != nil {
		w.problems = append(w.problems, "cannot "+strings.Join(command, " ")+": "+err.Error())
	}
}

// answered notes when a person said yes, and tells how long it took from there to
// the first healthy answer.
func (w *watch) answered(e remediate.Event) {
	switch {
	case e.Answered != nil:
		w.yes = e.At.Wall
	case e.Probed != nil && !w.yes.IsZero() && remediate.Worst(e.Probed.Observations) == remediate.Healthy:
		w.say(e.At.Wall, "healthy", green, fmt.Sprintf("%s after the approval; the runbook allows %.0f minutes", seconds(e.At.Wall.Sub(w.yes)), runbookAllows.Minutes()))
		w.yes = time.Time{}
	}
}
