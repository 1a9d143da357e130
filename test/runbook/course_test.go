package runbook

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
	"nightshift/test/stage"
)

// Bounds of a course on a machine that is shared with other tests; the log tells how
// long it took.
const (
	calmWithin  = 3 * time.Minute
	fixedWithin = 2 * time.Minute
	poll        = 100 * time.Millisecond
)

// course is what becomes of one break.
type course struct {
	t      *testing.T
	began  time.Time
	before map[string]string // the invocations of the site's units
	known  []remediate.ID    // the incidents of other courses
}

// begin waits until nothing is wrong, and breaks something. What is left broken, mend
// mends when the test is over.
func begin(t *testing.T, breaks, mend func(context.Context) error) *course {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), calmWithin)
	defer cancel()
	if err := on.AwaitCalm(ctx); err != nil {
		t.Fatal(err)
	}
	c := &course{t: t, began: time.Now()}
	for _, i := range c.incidents() {
		c.known = append(c.known, i.ID)
	}
	var err error
	if c.before, err = on.Invocations(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if mend == nil {
			return
		}
		if err := mend(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(c.tell)
	if err := breaks(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("broken in %.1f s", time.Since(c.began).Seconds())
	return c
}

// ask asks the agent something.
func (c *course) ask(name string, question, answer any) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.t.Context()), fixedWithin)
	defer cancel()
	if err := people.Ask(ctx, name, question, answer); err != nil {
		c.t.Fatal(err)
	}
}

// incidents are those of this course, the oldest first.
func (c *course) incidents() []oncall.Summary {
	c.t.Helper()
	var list []oncall.Summary
	c.ask(oncall.AskIncidents, oncall.Filter{}, &list)
	slices.Reverse(list)
	return slices.DeleteFunc(list, func(i oncall.Summary) bool { return slices.Contains(c.known, i.ID) })
}

func (c *course) story(id remediate.ID) (story oncall.Story) {
	c.t.Helper()
	c.ask(oncall.AskIncident, oncall.IncidentQuery{Incident: string(id)}, &story)
	return story
}

// await waits until the playbook's incident is in that state, and fails when it ends
// or people have it before.
func (c *course) await(playbook string, want remediate.State) oncall.Story {
	c.t.Helper()
	for ; time.Since(c.began) < fixedWithin; time.Sleep(poll) {
		for _, i := range c.incidents() {
			switch {
			case i.Playbook != playbook:
			case i.State == want:
				c.t.Logf("%s is %s after %.1f s", playbook, want, time.Since(c.began).Seconds())
				return c.story(i.ID)
			case !i.State.Live() || i.State == remediate.Escalated:
				c.t.Fatalf("incident %s of %s is %s (%s) %s, want it %s", i.ID, playbook, i.State, i.Reason, i.Detail, want)
			}
		}
	}
	c.t.Fatalf("no incident of %s is %s within %s", playbook, want, fixedWithin)
	return oncall.Story{}
}

// run starts a playbook as the operator does, and returns once it has come to its end.
func (c *course) run(playbook string, more ...string) {
	c.t.Helper()
	argv := append([]string{"nightshift", "playbook", "run", playbook, "--yes"}, more...)
	out, err := on.Exec(c.t.Context(), argv...)
	if err != nil {
		c.t.Fatalf("%v\n%s", err, out)
	}
	c.t.Logf("%s was run after %.1f s", playbook, time.Since(c.began).Seconds())
}

// approve says yes to the rung of that name once it is held, as the operator does, and
// to no other.
func (c *course) approve(playbook, rung string) {
	c.t.Helper()
	story := c.await(playbook, remediate.Held)
	if held := story.Incident.Plan.Rungs[story.Incident.Rung].Name; held != rung {
		c.t.Fatalf("%q is held, want %q", held, rung)
	}
	if _, err := on.Exec(c.t.Context(), "nightshift", "approve", "--yes", string(story.Incident.ID)); err != nil {
		c.t.Fatal(err)
	}
}

// fixed waits for the end, and holds it to the rungs that had to be tried, the last of
// which helped.
func (c *course) fixed(playbook string, rungs ...string) oncall.Story {
	c.t.Helper()
	story := c.await(playbook, remediate.Resolved)
	c.tried(story, remediate.Fixed, rungs...)
	return story
}

// tried holds an incident to the rungs that had to be tried, and what became of the
// last: those before it did not help.
func (c *course) tried(story oncall.Story, last remediate.Outcome, rungs ...string) {
	c.t.Helper()
	var want, got []string
	for n, name := range rungs {
		outcome := remediate.NotFixed
		if n == len(rungs)-1 {
			outcome = last
		}
		want = append(want, fmt.Sprintf("%s: %s", name, outcome))
	}
	for _, tried := range story.Incident.Tried {
		got = append(got, fmt.Sprintf("%s: %s", tried.Name, tried.Outcome))
	}
	if !slices.Equal(got, want) {
		c.t.Errorf("tried %q, want %q", got, want)
	}
}

// anew holds which of the site's units were started anew, and no other was.
func (c *course) anew(want ...string) {
	c.t.Helper()
	after, err := on.Invocations(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	var got []string
	for unit, was := range c.before {
		if after[unit] != was {
			got = append(got, unit)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		c.t.Errorf("started anew: %v, want %v", got, want)
	}
}

// receipts are those of an incident's steps, in their order.
func receipts(story oncall.Story) (all []remediate.Receipt) {
	for _, e := range story.Entries {
		if e.Event.Finished != nil {
			all = append(all, e.Event.Finished.Receipt)
		}
	}
	return all
}

// tell says what the agent did and said, when the test failed.
func (c *course) tell() {
	if !c.t.Failed() {
		return
	}
	for _, i := range c.incidents() {
		c.t.Log(stage.Narrate(c.story(i.ID)))
	}
	c.t.Log(on.AgentLog(context.WithoutCancel(c.t.Context())))
}
