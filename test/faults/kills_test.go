package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
	"nightshift/test/stage"
)

const (
	kills = 200
	// longest is how long an agent lives at most; most die much younger, in their
	// start or in the middle of an incident.
	longest = time.Second
	// moment is how long something is well before it breaks again: longer than it
	// takes to call it fixed.
	moment = 400 * time.Millisecond
	// pace is the pause between two alerts.
	pace = 15 * time.Millisecond
	// deadline is that of the incidents, and late how long after it the agent may
	// still be on its way up.
	deadline = 20 * time.Second
	late     = 10 * time.Second
)

// hasty is an inventory whose incidents are over within a fraction of a second,
// and of which there may be as many as come.
var hasty = stage.Inventory{
	Verify:   "{settle: 10ms, window: 60ms, within: 3s, every: 20ms}",
	Attempts: "{max: 100, per: 1s, cooldown: 1ms}",
	Deadline: deadline.String(),
}

func TestTwoHundredKillsUnderAStreamOfAlerts(t *testing.T) {
	a := on.Begin(t, stage.Option{Inventory: hasty})
	ctx, cancel := context.WithCancel(t.Context())
	s := &stream{agent: a, t: t}
	var sending sync.WaitGroup
	sending.Go(func() { s.run(ctx) })
	sending.Go(func() { closeEscalated(ctx, a) })
	killed := killAtRandom(t, a)
	cancel()
	sending.Wait()

	a.AwaitReady()
	stories := a.AwaitQuiet()
	t.Logf("%d kills, %d webhooks sent, %d alerts accepted, %d incidents", killed, s.sent, len(s.accepted), len(stories))
	wantHeard(t, s.accepted, stories)
	wantStartsAsRecorded(t, a, stories)
	wantEndInTime(t, stories)
	a.WantNoOverlap(stories)
	a.WantSound()
}

// killAtRandom kills the agent until systemd has brought it back so many times,
// each time at some moment of its life, of its start as well as of its work.
func killAtRandom(t *testing.T, a *stage.Agent) int {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, seed))
	killed := 0
	for a.AgentRestarts() < kills {
		share := random.Float64()
		time.Sleep(time.Duration(share * share * float64(longest)))
		if a.KillAgent(t.Context()) == nil { // else it is just being brought back
			killed++
		}
	}
	return killed
}

// stream is an Alertmanager with a bad day: things break as soon as they have been
// well for a moment, and it tells of it, one alert after the other, each until it
// is accepted.
type stream struct {
	agent    *stage.Agent
	t        *testing.T
	sent     int
	accepted []string // the cases of the alerts
}

func (s *stream) run(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		alert := stage.Alert{Name: stage.WebhookErrorsAlert, Case: fmt.Sprint(n)}
		probe := stage.WebhookErrors
		if n%2 == 1 {
			alert.Name, probe = stage.HighMemoryAlert, stage.Memory
		}
		if s.agent.WellFor(s.t, probe) > moment {
			s.agent.Break(s.t, probe)
		}
		s.deliver(ctx, alert)
		time.Sleep(pace)
	}
}

func (s *stream) deliver(ctx context.Context, alert stage.Alert) {
	for ctx.Err() == nil {
		s.sent++
		if status, _, err := s.agent.Post(stage.Body(0, alert)); err == nil && status == http.StatusOK {
			s.accepted = append(s.accepted, alert.Case)
			return
		}
		time.Sleep(pace)
	}
}

// closeEscalated is somebody on call, who closes what the agent hands over, so that
// the next alert is another incident.
func closeEscalated(ctx context.Context, a *stage.Agent) {
	for ctx.Err() == nil {
		if person, err := a.Person(); err == nil {
			closeAll(ctx, person)
			person.Close()
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// closeAll does what it can: the agent may be killed at any moment.
func closeAll(ctx context.Context, person *oncall.Client) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var open []oncall.Summary
	if err := person.Ask(ctx, oncall.AskIncidents, oncall.Filter{Open: true}, &open); err != nil {
		return
	}
	for _, i := range open {
		if i.State == remediate.Escalated {
			_, _ = person.Do(ctx, oncall.Close, oncall.Request{Incident: string(i.ID), Comment: "seen", Force: true})
		}
	}
}

// wantHeard holds that each accepted alert is in the log of an incident.
func wantHeard(t *testing.T, accepted []string, stories []oncall.Story) {
	t.Helper()
	heard := map[string]bool{}
	for _, story := range stories {
		for _, e := range story.Entries {
			if o := e.Event.Opened; o != nil {
				heard[o.Alert.Labels["case"]] = true
			}
			if j := e.Event.Joined; j != nil {
				heard[j.Alert.Labels["case"]] = true
			}
		}
	}
	for _, c := range accepted {
		if !heard[c] {
			t.Errorf("alert %s was accepted and is in no incident", c)
		}
	}
}

// wantStartsAsRecorded holds that each unit was started exactly as often as the
// log says, each time under a new invocation.
func wantStartsAsRecorded(t *testing.T, a *stage.Agent, stories []oncall.Story) {
	t.Helper()
	recorded := map[string]int{}
	for _, story := range stories {
		for on, count := range attempts(story) {
			recorded[on] += count
		}
	}
	for _, unit := range stage.Units {
		a.WantStarts(unit, 1+recorded[unit])
	}
}

// wantEndInTime holds that every incident ended, or was handed to people, by its
// deadline, and never because of somebody who was not there.
func wantEndInTime(t *testing.T, stories []oncall.Story) {
	t.Helper()
	ends := map[string]int{}
	for _, story := range stories {
		for _, e := range story.Entries {
			if e.Event.Ended == nil {
				continue
			}
			end := e.Event.Ended
			ends[fmt.Sprintf("%s: %s", end.State, end.Reason)]++
			if took := e.At.Since(story.Incident.OpenedAt); end.By == "" && took > deadline+late {
				t.Errorf("incident %s was %s after %s, want at most %s", story.Incident.ID, end.State, took, deadline)
			}
			if end.Reason == remediate.ReasonPersonAtWork {
				t.Errorf("the agent took itself for a person:\n%s", stage.Narrate(story))
			}
		}
	}
	for end, n := range ends {
		t.Logf("%d incidents %s", n, end)
	}
}
