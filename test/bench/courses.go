package main

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"nightshift/remediate"
)

// What is noted beside the events of an incident.
const (
	effectBegins = "the act begins"
	jobQueued    = "systemd has queued the job"
)

// course is one webhook's way: when it was sent, and when it first came to each
// boundary.
type course struct {
	sent time.Time
	at   map[string]time.Time
}

// courses are those of all webhooks of a turn.
type courses struct {
	mu     sync.Mutex
	byRun  map[string]*course
	byID   map[remediate.ID]*course
	byUnit map[string]*course // the last one about it
	broken map[string]bool
}

func newCourses() *courses {
	c := &courses{}
	c.forget()
	return c
}

// forget begins a turn.
func (c *courses) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byRun, c.byID, c.byUnit = map[string]*course{}, map[remediate.ID]*course{}, map[string]*course{}
	c.broken = map[string]bool{}
}

// sent begins a course; the unit is broken from now on.
func (c *courses) sent(run, unit string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	way := &course{sent: at, at: map[string]time.Time{}}
	c.byRun[run], c.byUnit[unit], c.broken[unit] = way, way, true
}

// opened says which incident a webhook has opened.
func (c *courses) opened(id remediate.ID, run string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if way := c.byRun[run]; way != nil {
		c.byID[id] = way
	}
}

// incident and unit note that a boundary was come to.
func (c *courses) incident(id remediate.ID, boundary string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byID[id].reached(boundary)
}

func (c *courses) unit(name, boundary string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byUnit[name].reached(boundary)
}

func (w *course) reached(boundary string) {
	if w == nil {
		return
	}
	if _, before := w.at[boundary]; !before {
		w.at[boundary] = time.Now()
	}
}

func (c *courses) mend(unit string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.broken, unit)
}

func (c *courses) isBroken(unit string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken[unit]
}

// to is how long each webhook took to a boundary; those that never came there are
// left out.
func (c *courses) to(boundary string) []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var took []time.Duration
	for way := range maps.Values(c.byRun) {
		if at, ok := way.at[boundary]; ok {
			took = append(took, at.Sub(way.sent))
		}
	}
	return took
}

// await waits until all webhooks have come to a boundary.
func (c *courses) await(ctx context.Context, boundary string, all int) error {
	deadline := time.Now().Add(patience)
	for len(c.to(boundary)) < all {
		if ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("only %d of %d came to %q: %v", len(c.to(boundary)), all, boundary, c.tally())
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// tally counts what came to each boundary.
func (c *courses) tally() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := map[string]int{}
	for way := range maps.Values(c.byRun) {
		for boundary := range way.at {
			counts[boundary]++
		}
	}
	return counts
}

// watchJobs calls queued with each unit for which systemd has queued a job, until
// stop is called: the manager's signal JobNew, org.freedesktop.systemd1(5).
func watchJobs(queued func(unit string)) (stop func() error, err error) {
	conn, err := dbus.ConnectSystemBus()
	if err != nil {
		return nil, fmt.Errorf("cannot watch systemd's jobs: %w", err)
	}
	signals := make(chan *dbus.Signal, 4096)
	conn.Signal(signals)
	manager := conn.Object("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
	if err := conn.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.systemd1.Manager"), dbus.WithMatchMember("JobNew")); err != nil {
		return nil, fmt.Errorf("cannot watch systemd's jobs: %w", err)
	}
	if err := manager.Call("org.freedesktop.systemd1.Manager.Subscribe", 0).Err; err != nil {
		return nil, fmt.Errorf("cannot watch systemd's jobs: %w", err)
	}
	go func() {
		for s := range signals {
			if len(s.Body) == 3 {
				if unit, ok := s.Body[2].(string); ok {
					queued(unit)
				}
			}
		}
	}()
	return conn.Close, nil
}

// only is the one incident that was opened.
func (c *courses) only() remediate.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.byID {
		return id
	}
	return ""
}
