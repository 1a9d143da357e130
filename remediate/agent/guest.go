package agent

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/inventory"
	"nightshift/remediate/qemu/link"
)

// guest is the agent inside a virtual machine, as its host hears of it.
type guest struct {
	host *link.Host
	now  func() time.Time

	mu    sync.Mutex
	last  link.Status
	heard time.Time
}

// newGuest opens the line to the agent inside.
func newGuest(socket string, now func() time.Time) *guest {
	g := &guest{now: now}
	g.host = link.NewHost(link.DialSocket(socket), g.hear)
	return g
}

func (g *guest) hear(s link.Status) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last, g.heard = s, g.now()
}

// silentFor is how long an agent inside may say nothing before it counts as gone:
// many times what it takes for a virtual machine to stall and come back.
const silentFor = 2 * time.Minute

// acts reports whether the agent inside answers and may mend things by itself: it
// does not when it only observes, is frozen, or has handed something to people.
func (g *guest) acts() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.answers() && g.last.Mode == remediate.Act.String() && !g.last.Frozen && g.last.Escalated == 0
}

// answers needs the lock.
func (g *guest) answers() bool { return !g.heard.IsZero() && g.now().Sub(g.heard) < silentFor }

// tellWithin bounds the wait until the agent inside has made durable that the host
// takes over: the host goes on in any case.
const tellWithin = 3 * time.Second

// standAside tells the agent inside, if it is there, to leave the acting to the host
// for so long. That it did not hear holds nothing up.
func (g *guest) standAside(ctx context.Context, lasts time.Duration, why string, log *slog.Logger) {
	g.mu.Lock()
	there := g.answers()
	g.mu.Unlock()
	if !there {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	if err := g.host.StandAside(ctx, min(lasts, link.MaxAside), why); err != nil {
		log.Warn("the agent inside was not told to stand aside", slog.String("step", why), slog.Any("err", err))
	}
}

// asideFor is how long the agent inside leaves the acting to its host when power
// goes: until it has powered down, its disks are exchanged, it has booted, and a
// minute more.
func asideFor(spec inventory.VM) time.Duration {
	return spec.PowerDownWithin + swapsWithin + spec.BootsWithin + time.Minute
}

// swapsWithin is as long as the playbooks let an exchange of disks take.
const swapsWithin = 5 * time.Minute
