// Package stage is a bare world with an agent in it, installed as its own unit
// and user, and a few units that break and mend as a test wants.
//
// The units bear the names that the coded playbooks know. What each does when it
// is started is said by files in /run/stage, so that nothing of systemd has to be
// read anew; each start writes down its invocation there, before the job that
// asked for it can be done. That is the witness the tests count by: it is the
// unit's own, not the agent's. The probes of the inventory look at files there,
// too.
package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"nightshift/test/world"
)

// Host is the agent's host.name.
const Host = "stage"

// raiseWithin bounds building the agent and starting the world, on a machine that
// is shared with other builds.
const raiseWithin = 5 * time.Minute

// Stage is one world with one agent. Tests use it one after the other.
type Stage struct {
	World *world.World

	bus     *sd.Conn
	people  string // where the host finds the agent's NATS listener
	scratch string // a folder of the host, removed by Lower
	program string // the agent, in there

	vmHost  *VMHost // once it was asked for
	lowered []func() error
}

// Main is the whole TestMain of a package that has a stage: it raises one, of an
// agent built with tags, runs the tests, and proves that nothing of it is left.
// The stage is put into on before the tests run.
func Main(m interface{ Run() int }, on **Stage, tags string) {
	os.Exit(run(m, on, tags))
}

func run(m interface{ Run() int }, on **Stage, tags string) int {
	ctx, cancel := context.WithTimeout(context.Background(), raiseWithin)
	defer cancel()
	s, err := Raise(ctx, tags, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	*on = s
	code := m.Run()
	if err := errors.Join(s.Lower(), goleak.Find()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// Raise builds the agent with the given build tags and starts a world with it.
// The agent does not run before [Stage.Begin].
func Raise(ctx context.Context, tags string, log io.Writer) (*Stage, error) {
	scratch, err := os.MkdirTemp("", "stage")
	if err != nil {
		return nil, err
	}
	s := &Stage{scratch: scratch}
	if err := s.raise(ctx, tags, log); err != nil {
		return nil, errors.Join(err, s.Lower())
	}
	return s, nil
}

func (s *Stage) raise(ctx context.Context, tags string, log io.Writer) error {
	var err error
	if s.program, err = buildAgent(ctx, s.scratch, tags); err != nil {
		return err
	}
	s.World, err = world.Start(ctx, world.Options{
		Agent: s.program, Inventory: []byte(Inventory{Units: []string{deniedUnit}}.text()), Log: log,
	})
	if err != nil {
		return err
	}
	if s.bus, err = connect(s.World); err != nil {
		return err
	}
	if s.people, err = s.World.Forward(peopleAddress); err != nil {
		return err
	}
	return s.writeUnits(ctx)
}

// Lower ends the world and removes what was built.
func (s *Stage) Lower() error {
	var problems []error
	if s.vmHost != nil {
		s.vmHost.disconnectBus()
	}
	for _, lower := range s.lowered {
		problems = append(problems, lower())
	}
	s.disconnectBus()
	if s.World != nil {
		problems = append(problems, s.World.Stop())
	}
	return errors.Join(append(problems, os.RemoveAll(s.scratch))...)
}

func (s *Stage) disconnectBus() {
	if s.bus != nil {
		s.bus.Close()
	}
}

// buildAgent builds the program as it is shipped, static, into dir.
func buildAgent(ctx context.Context, dir, tags string) (string, error) {
	program := filepath.Join(dir, "nightshift")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags="+tags, "-ldflags=-s -w", "-o", program, "nightshift/cmd/agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build the agent: %w\n%s", err, out)
	}
	return program, nil
}

// connect reaches the world's D-Bus by its socket's file: to a client in another
// network it is the same.
func connect(w *world.World) (*sd.Conn, error) {
	return sd.NewConnection(func() (*dbus.Conn, error) {
		return dbus.Connect("unix:path=" + w.Path("/run/dbus/system_bus_socket"))
	})
}

// Token is the bearer token of the agent's webhook.
func (s *Stage) Token() string { return s.World.Token() }

// dial is how tests reach servers of the world by HTTP.
func (s *Stage) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return s.World.Dial(ctx, network, address)
}
