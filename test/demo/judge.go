package main

import (
	"context"
	"fmt"
	"strings"

	"nightshift/remediate"
)

// judge compares what came of an act with what has to. anew is what is another than
// before; err is why the act was cut short, if it was.
func (r *result) judge(anew []string, err error) {
	if err != nil {
		r.problems = append(r.problems, err.Error())
	}
	r.want("alert", r.act.alert, r.incident.Alert.Name())
	r.want("incident", string(remediate.Resolved)+" (fixed)", fmt.Sprintf("%s (%s)", r.incident.State, r.incident.Reason))
	r.want("rungs", fmt.Sprint(r.act.rungs), fmt.Sprint(tried(r.incident.Tried)))
	r.want("waited for a person", r.act.held, strings.Join(r.waited, " "))
	r.want("another than before", strings.Join(r.act.anew, " "), strings.Join(anew, " "))
}

func (r *result) want(what, want, got string) {
	if got != want {
		r.problems = append(r.problems, fmt.Sprintf("%s: expected %q, found %q", what, want, got))
	}
}

func tried(all []remediate.Tried) []rung {
	var rungs []rung
	for _, t := range all {
		rungs = append(rungs, rung{t.Name, t.Outcome})
	}
	return rungs
}

// explain prints what went wrong, the incident's story, and what the agent said
// last.
func (d *demo) explain(ctx context.Context, r *result) {
	at := d.on(r.act.stage)
	d.show.title(d.show.in(red, "Not as it has to be: "+r.act.name))
	for _, problem := range r.problems {
		d.show.say(problem)
	}
	if r.incident.ID != "" {
		command := []string{"nightshift", "show", string(r.incident.ID)}
		d.show.title(at.Name + "# " + strings.Join(command, " "))
		out, err := at.Exec(ctx, command...)
		if err != nil {
			out += err.Error()
		}
		d.show.quote(out)
	}
	d.show.title("What the agent logged last")
	d.show.quote(at.AgentLog(ctx))
}
