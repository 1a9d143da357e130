// Package site is a RAVE site with the agent at work in it, or the machine that
// runs such a site under QEMU, for what is proved from end to end: a world of real
// components, the agent's own program installed in it as an administrator would,
// and the ways to watch both.
//
//	s, err := site.Start(ctx, site.Options{Factor: 20, Log: os.Stderr})
//	defer s.Stop()
//	err = s.WedgeDispatcher(ctx)
//	for e := range s.Events() { … }
//
// The agent runs as its shipped unit and user under real polkit, and is allowed
// to act. It is listened to as people do, by NATS with the operator's key.
package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"nightshift/remediate"
	"nightshift/remediate/inventory"
	"nightshift/test/world"
)

// Addresses in the site.
const (
	prometheus   = "http://localhost:9090"
	alertmanager = "http://localhost:9093"
	agent        = "http://localhost:9797"
	people       = "127.0.0.1:9798"
)

// Options say what kind of site to start.
type Options struct {
	// Factor divides the site's durations, and the agent's windows with them;
	// 0 is 1, everything as it ships.
	Factor int
	// More is what the site has beside the shipped inventory, or in another place: see
	// [With].
	More []byte
	// Alertmanager is which one tells the agent.
	Alertmanager world.Alertmanager
	// VMHost is whether it is the machine outside: the one that has RAVE as a
	// virtual machine.
	VMHost bool
	// Boots is the least time that its virtual machine may take to boot, whatever
	// Factor makes of it.
	Boots time.Duration
	// People are those who are on call for that machine.
	People []Person
	// Program is an agent that [Build] made; it is built anew if empty.
	Program string
	// Log is where progress is told; nil means nowhere.
	Log io.Writer
}

// Site is a running site, or the machine that runs one.
type Site struct {
	*world.World
	// Name is the host's, as alerts and inventory have it.
	Name   string
	vmHost bool
	http   *http.Client
	conn   *nats.Conn
	events chan remediate.Event
	done   chan struct{}
	log    io.Writer
}

// Start builds the agent and what else is missing, and returns once the site is
// healthy and the agent is ready and listened to.
func Start(ctx context.Context, o Options) (*Site, error) {
	o.Factor = max(o.Factor, 1)
	if o.Log == nil {
		o.Log = io.Discard
	}
	w, err := startWorld(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Site{
		World: w, Name: o.hostname(), vmHost: o.VMHost, http: w.HTTPClient(), log: o.Log,
		events: make(chan remediate.Event, 1024), done: make(chan struct{}),
	}
	if err := s.meetAgent(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, s.AgentLog(ctx)), s.Stop())
	}
	return s, nil
}

// readyWithin bounds how long the agent takes to be ready: more than its unit's
// TimeoutStartSec=.
const readyWithin = 90 * time.Second

// meetAgent waits for the agent and begins to listen to it.
func (s *Site) meetAgent(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := s.AwaitReady(ctx); err != nil {
		return err
	}
	return s.listen()
}

// AwaitReady waits until the agent says that webhooks can be stored.
func (s *Site) AwaitReady(ctx context.Context) error {
	return until(ctx, "the agent to be ready", func() (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, agent+"/-/ready", nil)
		if err != nil {
			return false, err
		}
		response, err := s.http.Do(request)
		if err != nil {
			return false, err
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
}

// AgentLog is what the agent logged last, for messages about what went wrong.
func (s *Site) AgentLog(ctx context.Context) string {
	out, err := s.Exec(ctx, "journalctl", "--unit=nightshift", "--no-pager", "--output=short-precise", "--lines=40")
	if err != nil {
		return err.Error()
	}
	return out
}

func startWorld(ctx context.Context, o Options) (*world.World, error) {
	if o.Program == "" {
		dir, err := os.MkdirTemp("", "nightshift-")
		if err != nil {
			return nil, fmt.Errorf("cannot build the agent: %w", err)
		}
		defer os.RemoveAll(dir) // the world has its own copy by then
		if o.Program, err = Build(ctx, dir, o.Log); err != nil {
			return nil, err
		}
	}
	services, text, err := o.inventory()
	if err != nil {
		return nil, err
	}
	return world.Start(ctx, world.Options{
		Services: services, Alertmanager: o.Alertmanager, Factor: o.Factor,
		Agent: o.Program, Inventory: text, Log: o.Log,
	})
}

// inventory is what the machine has, and what its agent looks after.
func (o Options) inventory() (world.Services, []byte, error) {
	if o.VMHost {
		text, err := VMHostInventory(o.Factor, o.Boots, o.People...)
		return world.VMHost, text, err
	}
	text, err := inventory.Builtin("rave")
	if err != nil {
		return world.Site, nil, err
	}
	if text, err = With(text, o.More); err != nil {
		return world.Site, nil, err
	}
	text, err = quickened(text, o.Factor)
	return world.Site, text, err
}

// hostname is the name of the machine that is started.
func (o Options) hostname() string {
	if o.VMHost {
		return world.VMHostHostname
	}
	return world.Hostname
}

// Stop ends the site. It may be called once.
func (s *Site) Stop() error {
	close(s.done)
	if s.conn != nil {
		s.conn.Close()
	}
	return s.World.Stop()
}

// poll is how often something is looked at that is waited for.
const poll = 100 * time.Millisecond

// until looks again and again until done says yes, or ctx ends.
func until(ctx context.Context, what string, done func() (bool, error)) error {
	for {
		ok, err := done()
		if ok && err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot wait longer for %s: %w", what, errors.Join(ctx.Err(), err))
		case <-time.After(poll):
		}
	}
}
