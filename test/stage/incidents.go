package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

const (
	// awaitWithin bounds every wait: more than any deadline of an incident here.
	awaitWithin = 90 * time.Second
	awaitPoll   = 20 * time.Millisecond
)

// Await waits until done, and fails the test if that does not come.
func (a *Agent) Await(what string, done func() bool) {
	a.t.Helper()
	for begin := time.Now(); !done(); time.Sleep(awaitPoll) {
		if time.Since(begin) > awaitWithin || a.t.Context().Err() != nil {
			a.t.Fatalf("waited %s for %s in vain", time.Since(begin).Round(time.Second), what)
		}
	}
}

// askWithin bounds one question to the agent.
const askWithin = 10 * time.Second

// query asks the agent.
func (a *Agent) query(name string, question, answer any) {
	a.t.Helper()
	a.speak(func(ctx context.Context) error { return a.people.Ask(ctx, name, question, answer) })
}

// Say says a verb as the operator.
func (a *Agent) Say(verb string, r oncall.Request) {
	a.t.Helper()
	a.speak(func(ctx context.Context) error {
		_, err := a.people.Do(ctx, verb, r)
		return err
	})
}

// speak says something to the agent. One that was started anew meanwhile is
// connected to again.
func (a *Agent) speak(say func(context.Context) error) {
	a.t.Helper()
	a.Await("the agent's answer to people", func() bool {
		ctx, cancel := context.WithTimeout(a.t.Context(), askWithin)
		defer cancel()
		if a.people == nil && a.connect() != nil {
			return false
		}
		err := say(ctx)
		switch {
		case errors.Is(err, oncall.ErrUnreachable):
			a.disconnect()
		case err != nil:
			a.t.Fatal(err)
		}
		return err == nil
	})
}

// ready reports whether webhooks can be stored.
func (a *Agent) ready() bool {
	status, _, err := a.Get(a.t.Context(), "/-/ready")
	return err == nil && status == 200
}

// AwaitReady waits until webhooks can be stored.
func (a *Agent) AwaitReady() {
	a.t.Helper()
	a.Await("the agent to be ready", a.ready)
}

// EndsByItself has the unit end well, with no job: Restart= has nothing to mend,
// and nobody stopped it. A later start lasts again.
func (a *Agent) EndsByItself(unit string) {
	a.t.Helper()
	a.Lives(a.t, unit, "exit 0")
	a.Restart(a.t, unit)
	a.Await(unit+" to end", func() bool { return a.State(a.t, unit) == "inactive (dead)" })
	a.Remove(a.t, name(unit)+".life")
}

// Incidents are all of the log, the oldest first.
func (a *Agent) Incidents() []oncall.Summary {
	a.t.Helper()
	var list []oncall.Summary
	a.query(oncall.AskIncidents, oncall.Filter{}, &list)
	slices.Reverse(list)
	return list
}

// Story is all that is recorded of an incident.
func (a *Agent) Story(id remediate.ID) oncall.Story {
	a.t.Helper()
	var story oncall.Story
	a.query(oncall.AskIncident, oncall.IncidentQuery{Incident: string(id)}, &story)
	return story
}

// Stories are those of all incidents, the oldest first.
func (a *Agent) Stories() []oncall.Story {
	a.t.Helper()
	var stories []oncall.Story
	for _, i := range a.Incidents() {
		stories = append(stories, a.Story(i.ID))
	}
	return stories
}

// AwaitIncident waits until one incident of the playbook is in that state, and
// returns its story.
func (a *Agent) AwaitIncident(playbook string, state remediate.State) oncall.Story {
	a.t.Helper()
	var found remediate.ID
	a.Await(fmt.Sprintf("an incident of %s that is %s", playbook, state), func() bool {
		for _, i := range a.Incidents() {
			if i.Playbook == playbook && i.State == state {
				found = i.ID
			}
		}
		return found != ""
	})
	return a.Story(found)
}

// AwaitReason is AwaitIncident with the reason of that state. While it waits the
// reason is that of the wait.
func (a *Agent) AwaitReason(playbook string, state remediate.State, reason remediate.Reason) oncall.Story {
	a.t.Helper()
	story := a.AwaitIncident(playbook, state)
	if got := reasonOf(story.Incident); got != reason {
		a.t.Fatalf("incident %s is %s because of %s, want %s", story.Incident.ID, state, got, reason)
	}
	return story
}

func reasonOf(i remediate.Incident) remediate.Reason {
	switch {
	case i.State == remediate.Waiting && i.Wait != nil:
		return i.Wait.Reason
	case i.State == remediate.Held && i.Verdict != nil:
		return i.Verdict.Reason
	}
	return i.Reason
}

// quietFor is how long it has to be quiet: an alert that is stored may not have its
// incident yet.
const quietFor = 2 * time.Second

// AwaitQuiet waits until every incident is over or with people, and stays so.
func (a *Agent) AwaitQuiet() []oncall.Story {
	a.t.Helper()
	var known int
	var since time.Time
	a.Await("every incident to be over or with people", func() bool {
		list := a.Incidents()
		busy := slices.ContainsFunc(list, func(i oncall.Summary) bool {
			return i.State.Live() && i.State != remediate.Escalated
		})
		if busy || len(list) != known || since.IsZero() {
			known, since = len(list), time.Now()
			return false
		}
		return time.Since(since) >= quietFor
	})
	return a.Stories()
}

// AwaitSettled waits until the incident after so many others is over or with people,
// and returns its story.
func (a *Agent) AwaitSettled(others int) oncall.Story {
	a.t.Helper()
	var found remediate.ID
	a.Await("the next incident to be over or with people", func() bool {
		if list := a.Incidents(); len(list) > others {
			if last := list[others]; !last.State.Live() || last.State == remediate.Escalated {
				found = last.ID
			}
		}
		return found != ""
	})
	return a.Story(found)
}

// Count counts the events of a type in a story.
func Count(story oncall.Story, kind remediate.EventType) int {
	count := 0
	for _, e := range story.Entries {
		if e.Type == kind {
			count++
		}
	}
	return count
}

// WantStarts holds how often a unit was started since the test began, the stage's
// own start included, each under an invocation of its own.
func (a *Agent) WantStarts(unit string, want int) {
	a.t.Helper()
	starts := a.Starts(a.t, unit)
	if len(starts) != want {
		a.t.Errorf("%s was started %d times, want %d: %v", unit, len(starts), want, starts)
	}
	slices.Sort(starts)
	if len(slices.Compact(starts)) != len(a.Starts(a.t, unit)) {
		a.t.Errorf("two starts of %s share an invocation", unit)
	}
}

// WantSound holds that the log has no flaw and that nothing froze the agent.
func (a *Agent) WantSound() {
	a.t.Helper()
	var health oncall.Health
	a.query(oncall.AskVerify, nil, &health)
	if len(health.Damage) > 0 {
		a.t.Errorf("the log is damaged: %v", health.Damage)
	}
	var status oncall.Status
	a.query(oncall.AskStatus, nil, &status)
	if status.Frozen != nil || len(status.Degraded) > 0 {
		a.t.Errorf("the agent is frozen (%v) or lacks something (%v)", status.Frozen, status.Degraded)
	}
}

// tell logs what the agent did and said since a moment, for a test that failed.
func (a *Agent) tell(since time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), askWithin)
	defer cancel()
	a.tellStories(ctx)
	said, err := a.World.Exec(ctx, "journalctl", "--no-pager", "--output=cat", "--lines=60",
		"--unit="+AgentUnit, fmt.Sprintf("--since=@%d", since.Unix()))
	a.t.Logf("the agent's last lines (%v):\n%s", err, said)
}

// tellStories asks once: the test is over, and the agent may be.
func (a *Agent) tellStories(ctx context.Context) {
	person, err := a.Person()
	if err != nil {
		a.t.Log(err)
		return
	}
	defer person.Close()
	var list []oncall.Summary
	err = person.Ask(ctx, oncall.AskIncidents, oncall.Filter{}, &list)
	for _, i := range list {
		var story oncall.Story
		err = errors.Join(err, person.Ask(ctx, oncall.AskIncident, oncall.IncidentQuery{Incident: string(i.ID)}, &story))
		a.t.Log(Narrate(story))
	}
	if err != nil {
		a.t.Log(err)
	}
}

// Narrate writes a story for people who look for what went wrong.
func Narrate(story oncall.Story) string {
	var b strings.Builder
	i := story.Incident
	fmt.Fprintf(&b, "incident %s of %s on %s: %s %s %s\n", i.ID, i.Playbook.Name, i.Target, i.State, reasonOf(i), i.Detail)
	for _, e := range story.Entries {
		e.Event.At = remediate.Instant{}
		if e.Event.Opened != nil {
			e.Event.Opened = &remediate.Opened{Alert: e.Event.Opened.Alert, Position: e.Event.Opened.Position}
		}
		text, err := remediate.EncodeJSON(e.Event)
		if err != nil {
			text = []byte(err.Error())
		}
		fmt.Fprintf(&b, "  %s %s %.600s\n", e.At.Wall.Format("15:04:05.000"), strings.TrimPrefix(string(e.Type), "incident."), text)
	}
	return b.String()
}
