package rehearsal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/remediate"
	"nightshift/remediate/engine"
)

// What people do in a test, beside what they say of an incident.
const (
	doesFreeze = "freeze"
	doesThaw   = "thaw"
	doesRun    = "run"
)

// requests are all that people do in a test.
var requests = []string{
	remediate.PersonApproves, remediate.PersonDenies, remediate.PersonCancels, remediate.PersonCloses,
	remediate.PersonResumes, remediate.PersonAcks, doesFreeze, doesThaw, doesRun,
}

// do does it.
func (p Request) do(ctx context.Context, e *engine.Engine) error {
	switch p.Does {
	case doesFreeze:
		_, err := e.Freeze(ctx, p.Who, "a test", p.For, nil)
		return err
	case doesThaw:
		return e.Thaw(ctx, p.Who, "a test", nil)
	case doesRun:
		_, err := e.Start(ctx, p.Playbook, p.Target, remediate.Asked{By: p.Who, Checkpoint: p.Checkpoint})
		return err
	}
	return p.say(ctx, e)
}

// say says it of the incident that is meant: the newest that lives.
func (p Request) say(ctx context.Context, e *engine.Engine) error {
	all, err := e.Incidents(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b remediate.Incident) int {
		return cmp.Or(a.OpenedAt.Wall.Compare(b.OpenedAt.Wall), cmp.Compare(a.ID, b.ID))
	})
	for _, i := range slices.Backward(all) {
		if !i.State.Live() || p.Playbook != "" && i.Playbook.Name != p.Playbook {
			continue
		}
		said := remediate.Said{Verb: p.Does, By: p.Who, Approves: remediate.Rollback}
		if i.Plan != nil && i.Rung < len(i.Plan.Rungs) {
			said.Plan = i.Plan.Rungs[i.Rung].Digest
		}
		_, err := e.Say(ctx, string(i.ID), said)
		return err
	}
	return errors.New("no incident lives that it could be about")
}

// asExpected says what is wrong with the agent's answer, if anything is.
func (p Request) asExpected(err error) (expected, found string) {
	switch {
	case err == nil && p.Refused != "":
		return fmt.Sprintf("refused with %q", p.Refused), "done"
	case err != nil && p.Refused == "":
		return "done", "refused: " + err.Error()
	case err != nil && !strings.Contains(err.Error(), p.Refused):
		return fmt.Sprintf("refused with %q", p.Refused), "refused: " + err.Error()
	}
	return "", ""
}
