package agent

import (
	"context"
	"math"
	"os"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/qemu/link"
)

// Hardware is where an agent finds what the host of its virtual machine tells it.
type Hardware struct {
	// Credentials is the directory of the credentials that systemd handed on, Sys
	// where sysfs is mounted, Port the virtio-serial port to the host.
	Credentials, Sys, Port string
}

// thisMachine is the hardware that a process finds: systemd.exec(5) has the name of
// the variable.
func thisMachine() Hardware {
	return Hardware{Credentials: os.Getenv("CREDENTIALS_DIRECTORY"), Sys: "/sys", Port: link.Device}
}

// Option changes an agent that is embedded.
type Option func(*Agent)

// On has the agent look elsewhere for the host of its virtual machine.
func On(h Hardware) Option { return func(a *Agent) { a.inside.hardware = h } }

// inside is an agent in a virtual machine that a host looks after; its zero value
// one that is on no such machine.
type inside struct {
	hardware Hardware
	// epoch is the host's name for this start of the machine; was the log's.
	epoch, was string
	// hosted is whether there is a host at all, lacks why nothing may be done for
	// all that.
	hosted bool
	lacks  string
	// awake is closed once it is known whether the disks went back.
	awake chan struct{}
}

// lookInside finds out whether a host looks after this machine. A log that lies on a
// disk that goes back forgets with it who froze the agent, what was tried and who
// was removed: such an agent only observes.
func (a *Agent) lookInside() {
	in := &a.inside
	in.awake = make(chan struct{})
	told, err := hostSays(in.hardware)
	_, noPort := os.Stat(in.hardware.Port)
	in.epoch, in.hosted = told.epoch, told.epoch != "" || noPort == nil
	if !in.hosted {
		return
	}
	if err == nil {
		err = isKept(in.hardware.Sys, a.settings.StateDir, told.keep)
	}
	if err == nil || a.settings.Mode == remediate.WatchOnly {
		return
	}
	a.settings.Mode = remediate.WatchOnly
	in.lacks = "it only observes, because a rollback of this virtual machine could take its memory away: " + err.Error()
	a.log.Warn(in.lacks)
}

// bootGate is how long an agent leaves the acting to its host after the machine was
// started anew: a boot by the host's default, and a minute. The host says how long it
// is really, once it is heard.
const bootGate = 2*time.Minute + time.Minute

// wake finds out whether the disks went back under this agent: what was under way
// goes to people then, and nothing that was stored before is acted on. It comes
// before the first alert is read.
func (a *Agent) wake(ctx context.Context) error {
	defer close(a.inside.awake)
	epoch := a.inside.epoch
	if epoch == "" || epoch == a.inside.was {
		return nil
	}
	last, err := a.journal.LastAlerts(ctx)
	if err != nil {
		return err
	}
	// In this order: a crash in between would find the epoch known, and not stand aside.
	if err := a.standAside(ctx, bootGate, "the machine was started anew"); err != nil {
		return err
	}
	return a.engine.Awake(ctx, epoch, remediate.Position{Message: last, Alert: math.MaxInt32})
}

// standAside makes durable that the host has its turn.
func (a *Agent) standAside(ctx context.Context, lasts time.Duration, reason string) error {
	return a.engine.StandAside(ctx, a.now().Add(lasts), "the host of this virtual machine ("+reason+")")
}

// sleeper is the world of an agent that does not know yet whether the disks went
// back: no target is read, without which the gates allow nothing. Incidents are
// taken up from the log by then.
type sleeper struct {
	*world
	awake <-chan struct{}
}

var _ engine.World = sleeper{}

// Situation waits.
func (s sleeper) Situation(ctx context.Context, on remediate.Target) remediate.Situation {
	select {
	case <-s.awake:
		return s.world.Situation(ctx, on)
	case <-ctx.Done():
		return remediate.Situation{Detail: "it is not known yet whether the disks of this machine went back"}
	}
}

// speakWithHost tells the host of this virtual machine how this agent stands, and
// leaves the acting to it when it says so.
func (a *Agent) speakWithHost() {
	if !a.inside.hosted {
		return
	}
	g := link.Guest{
		Open:   func() (link.Stream, error) { return link.OpenPort(a.inside.hardware.Port) },
		Status: a.standing, StandAside: a.standAside, Log: a.log,
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.Run(ctx)
	}()
	a.teardown.add("line to the host", func(stop context.Context) error { cancel(); return await(stop, ended) })
}

// noEpoch stands in for an epoch where the host gave none.
const noEpoch = "none"

// standing is how this agent stands, for its host.
func (a *Agent) standing(ctx context.Context) (link.Status, error) {
	s := link.Status{Version: a.version, Host: a.file().Host.Name, Epoch: a.inside.epoch, Mode: a.settings.Mode.String()}
	if s.Epoch == "" {
		s.Epoch = noEpoch
	}
	frozen, err := a.engine.Frozen(ctx)
	if err != nil {
		return s, err
	}
	incidents, err := a.engine.Incidents(ctx)
	s.Frozen = frozen != nil
	for _, i := range incidents {
		switch i.State {
		case remediate.Escalated:
			s.Escalated++
		case remediate.Acting, remediate.Verifying:
			s.Acting = true
		}
	}
	return s, err
}

// lacksInside adds why this agent only observes, if its host is why.
func (a *Agent) lacksInside(lacks map[string]string) {
	if a.inside.lacks != "" {
		lacks["inside"] = a.inside.lacks
	}
}
