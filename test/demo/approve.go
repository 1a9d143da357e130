package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"nightshift/remediate"
)

// runbookAllows is the emergency's objective: a rollback in under five minutes.
const runbookAllows = 5 * time.Minute

// approve is for a rung that waits for a person: the demo gives the operator's yes to
// what is shown, or says how a person at another terminal does.
func (w *watch) approve(ctx context.Context) {
	rung := w.incident.Plan.Rungs[w.incident.Rung]
	w.waited = append(w.waited, rung.Name)
	command := []string{"nightshift", "approve", string(w.incident.ID)}
	if w.Interactive {
		w.ask(ctx, append(command, "--dry-run"))
		w.show.say(w.show.in(bold, "Say yes or no at another terminal:"))
		w.show.say("  " + strings.Join(w.at.Command(ctx, "root", command...).Args, " "))
		return
	}
	w.ask(ctx, append(command, "--plan", rung.Digest[:12]))
}

// ask runs a command there and shows what a person would see of it.
func (w *watch) ask(ctx context.Context, command []string) {
	w.show.say(w.at.Name + "# " + strings.Join(command, " "))
	out, err := w.at.Command(ctx, "root", command...).CombinedOutput()
	w.show.quote(string(out))
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
