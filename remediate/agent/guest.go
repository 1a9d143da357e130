package agent

import (
	"context"
	"fmt"
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
	log  *slog.Logger

	stop    context.Context
	end     context.CancelFunc
	telling sync.WaitGroup
	// since is when it was first listened for.
	since time.Time

	mu    sync.Mutex
	last  link.Status
	heard time.Time
	boot  booting
}

// booting is a start of the machine of which the agent inside is told once it is
// heard: until then it must leave the acting to the host.
type booting struct {
	epoch string // empty when all is told
	until time.Time
}

// newGuest opens the line to the agent inside.
func newGuest(socket string, now func() time.Time, log *slog.Logger) *guest {
	g := &guest{now: now, log: log, since: now()}
	g.stop, g.end = context.WithCancel(context.Background())
	g.host = link.NewHost(link.DialSocket(socket), g.hear)
	return g
}

// close ends the line.
func (g *guest) close() {
	g.end()
	g.host.Close()
	g.telling.Wait()
}

func (g *guest) hear(s link.Status) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last, g.heard = s, g.now()
	if boot := g.boot; boot.epoch == s.Epoch && boot.epoch != "" {
		g.boot = booting{}
		g.telling.Go(func() { g.tellOfBoot(boot) })
	}
}

// booted has the agent inside told, once it is heard in this start of the machine,
// to leave the acting to the host for so long from now.
func (g *guest) booted(epoch string, lasts time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.boot = booting{epoch, g.now().Add(lasts)}
}

// tellOfBoot says it, and again when it is heard the next time if that was in vain.
func (g *guest) tellOfBoot(boot booting) {
	left := boot.until.Sub(g.now())
	if left <= 0 {
		return
	}
	if g.tell(g.stop, left, "its boot") == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.boot.epoch == "" {
		g.boot = boot
	}
}

// silentFor is how long an agent inside may say nothing before it counts as gone:
// many times what it takes for a virtual machine to stall and come back.
const silentFor = 2 * time.Minute

// firstWord is how long after it is first listened for an agent inside counts as there,
// though it was not heard yet: it says how it stands each [link.Every], and a host that
// is started anew, or reads its inventory anew, must not get in its way.
const firstWord = 3 * link.Every

// acts reports whether the agent inside answers and may mend things by itself: it
// does not when it only observes, is frozen, or has handed something to people.
func (g *guest) acts() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.heard.IsZero() {
		return g.now().Sub(g.since) < firstWord
	}
	return g.answers() && g.last.Mode == remediate.Act.String() && !g.last.Frozen && g.last.Escalated == 0
}

// answers needs the lock.
func (g *guest) answers() bool { return !g.heard.IsZero() && g.now().Sub(g.heard) < silentFor }

// tellWithin bounds the wait until the agent inside has made durable that the host
// takes over: the host goes on in any case.
const tellWithin = 5 * time.Second

// tell tells the agent inside to leave the acting to the host for so long. A guest
// that is down can't hear, and that holds nothing up.
func (g *guest) tell(ctx context.Context, lasts time.Duration, why string) error {
	ctx, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	err := g.host.StandAside(ctx, min(lasts, link.MaxAside), why)
	if err != nil && g.stop.Err() == nil {
		g.log.Warn("the agent inside was not told to stand aside", slog.String("because", why), slog.Any("err", err))
	}
	return err
}

// factGuest is the fact of a receipt that says whether the agent inside knew.
const factGuest = "guest"

// standAside tells the agent inside of a step, if it is there, and returns what came
// of that for the step's receipt.
func (g *guest) standAside(ctx context.Context, lasts time.Duration, step remediate.Step) string {
	g.mu.Lock()
	there := g.answers()
	g.mu.Unlock()
	if !there {
		return "not told: it had not been heard for " + silentFor.String()
	}
	if err := g.tell(ctx, lasts, step.String()); err != nil {
		return "not told: " + err.Error()
	}
	return "stands aside for " + lasts.String()
}

// asides are the steps that take the machine away from the agent inside, with how
// long that leaves the acting to the host: until the power is gone, or the machine
// is up again by itself, and a minute more. After a start of another epoch it stands
// aside anew, see [machine.note].
var asides = map[remediate.Verb]func(inventory.VM) time.Duration{
	remediate.VerbPowerDown: func(spec inventory.VM) time.Duration { return spec.PowerDownWithin + time.Minute },
	remediate.VerbReset:     bootsFor,
}

// bootsFor is how long a boot is the host's to judge: the boot gate's length and a
// minute.
func bootsFor(spec inventory.VM) time.Duration { return spec.BootsWithin + time.Minute }

// announce tells the agent inside of a step that takes its machine away; it returns
// what came of that, empty where there is nothing to tell.
func (m *machine) announce(ctx context.Context, step remediate.Step) string {
	lasts := asides[step.Do]
	if m.guest == nil || lasts == nil {
		return ""
	}
	return m.guest.standAside(ctx, lasts(m.spec), step)
}

// note adds to a receipt whether the agent inside knew, and after a boot has it told
// to leave the acting to the host until that is judged.
func (m *machine) note(step remediate.Step, r remediate.Receipt, told string) remediate.Receipt {
	if told != "" {
		r.Facts = copied(r.Facts)
		r.Facts[factGuest] = told
	}
	if epoch := r.Facts[factEpoch]; m.guest != nil && step.Do == remediate.VerbBoot && epoch != "" {
		m.guest.booted(epoch, bootsFor(m.spec))
	}
	return r
}

// factEpoch is the fact of a boot's receipt that names the start.
const factEpoch = "epoch"

// unheard is what is said of an agent inside that has not said anything.
const unheard = "not heard yet"

// words say how the agent inside stands, for people.
func (g *guest) words() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.heard.IsZero() {
		return unheard
	}
	s, ago := g.last, g.now().Sub(g.heard).Round(time.Second)
	words := fmt.Sprintf("%s %s, mode %s, heard %s ago", s.Host, s.Version, s.Mode, ago)
	if s.Frozen {
		words += ", frozen"
	}
	if s.Acting {
		words += ", acting"
	}
	if s.Escalated > 0 {
		words += fmt.Sprintf(", %d with people", s.Escalated)
	}
	if !g.answers() {
		words += ", silent"
	}
	return words
}
