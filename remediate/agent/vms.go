package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/inventory"
	"nightshift/remediate/oncall"
	"nightshift/remediate/qemu"
)

// vm is a virtual machine as its actuator knows it.
type vm interface {
	Actions() map[remediate.Verb]remediate.Action
	Machine(ctx context.Context, asked *remediate.Asked) remediate.Machine
	Situation(ctx context.Context) (remediate.Situation, error)
	Probe(ctx context.Context) remediate.Observation
	See(ctx context.Context, look remediate.Look) remediate.Evidence
}

// machine is a virtual machine of the inventory in force.
type machine struct {
	vm
	spec inventory.VM
	// checkpoints lists what one can go back to.
	checkpoints func(ctx context.Context) ([]oncall.Checkpoint, error)
	// prune removes what was put aside and is kept no longer.
	prune func(ctx context.Context) (removed []string, err error)
	// again is the same machine by another inventory.
	again func(qemu.Options) *qemu.VM
	// trim keeps what the guest writes to its console small.
	trim  func() error
	well  *wellness
	guest *guest // nil where nobody is inside
}

// close ends what the machine keeps open.
func (m *machine) close() {
	if m.guest != nil {
		m.guest.close()
	}
}

// closeVMs ends what the machines keep open.
func (w *world) closeVMs() {
	for _, m := range *w.vms.Load() {
		m.close()
	}
}

// find is the machine of that name; the error says that there is none any more.
func (w *world) find(name string) (*machine, error) {
	if m, ok := (*w.vms.Load())[name]; ok {
		return m, nil
	}
	return nil, fmt.Errorf("the inventory has no virtual machine %q any more", name)
}

// names are those of the machines, sorted.
func (w *world) names() []string { return slices.Sorted(maps.Keys(*w.vms.Load())) }

// Machine reads how a VM stands, and which images a plan for it could name.
func (w *world) Machine(ctx context.Context, name string, asked *remediate.Asked) remediate.Machine {
	m, err := w.find(name)
	if err != nil {
		return remediate.Machine{State: err.Error()}
	}
	stands := m.Machine(ctx, asked)
	if asked != nil {
		nameAsked(&stands, *asked)
	}
	return stands
}

// nameAsked completes what a person asked for: without a name the last known good is
// meant, and a name that no checkpoint has is one for a checkpoint that is to be
// made.
func nameAsked(m *remediate.Machine, asked remediate.Asked) {
	m.Images, m.Lacks = copied(m.Images), copied(m.Lacks)
	image, named := m.Images[remediate.WasAsked]
	switch {
	case asked.Image != "":
	case asked.Checkpoint == "":
		m.Lacks[remediate.WasAsked] = m.Lacks[remediate.LastKnownGood]
		if good, ok := m.Images[remediate.LastKnownGood]; ok {
			m.Images[remediate.WasAsked] = good
		}
	case named && image.Digest != "":
		m.Lacks[remediate.ToBeMade] = fmt.Sprintf("there is a checkpoint %q already: name the new one otherwise", asked.Checkpoint)
	case named:
		delete(m.Images, remediate.WasAsked)
		m.Images[remediate.ToBeMade] = image
	default:
		m.Lacks[remediate.ToBeMade] = m.Lacks[remediate.WasAsked]
	}
}

// copied is a map that can be written to.
func copied[K comparable, V any](m map[K]V) map[K]V {
	c := make(map[K]V, len(m)+1)
	maps.Copy(c, m)
	return c
}

// vmVerbs are what can be done to a virtual machine.
var vmVerbs = []remediate.Verb{
	remediate.VerbCont, remediate.VerbReset, remediate.VerbPowerDown, remediate.VerbSwap, remediate.VerbBoot,
	remediate.VerbCheckpoint, remediate.VerbPromote, remediate.VerbProve,
}

// actions is what can be done on this host, by verb: to units, and to the virtual
// machines that the inventory in force has at that moment.
// Each asks halted directly before what it does.
func (w *world) actions(halted func() error) map[remediate.Verb]remediate.Action {
	all := w.units.Heeding(halted)
	all[remediate.VerbOneshot] = freeing{all[remediate.VerbOneshot], w}
	for _, verb := range vmVerbs {
		all[verb] = vmAction{w, halted}
	}
	return all
}

// vmAction does a step to the virtual machine that it names.
type vmAction struct {
	world  *world
	halted func() error
}

func (a vmAction) of(step remediate.Step) (*machine, remediate.Action, error) {
	m, err := a.world.find(step.On.Name)
	if err != nil {
		return nil, nil, err
	}
	action := m.Actions()[step.Do]
	if action == nil {
		return nil, nil, fmt.Errorf("nothing can %s %s", step.Do, step.On)
	}
	return m, action, nil
}

// Witness reads what would tell whether the step happened.
func (a vmAction) Witness(ctx context.Context, step remediate.Step) (remediate.Witness, error) {
	_, action, err := a.of(step)
	if err != nil {
		return nil, err
	}
	return action.Witness(ctx, step)
}

// Do acts. The agent inside hears of it before power goes.
func (a vmAction) Do(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	m, action, err := a.of(step)
	if err != nil {
		return remediate.Receipt{}, err
	}
	told := m.announce(ctx, step) // which may take a while
	if err := a.mayBegin(step); err != nil {
		return remediate.Receipt{}, fmt.Errorf("cannot %s: %w", step, err)
	}
	receipt, err := action.Do(ctx, step, before)
	return m.note(step, receipt, told), err
}

// mayBegin heeds a freeze, but for what nothing may hold up half-way: once a machine
// is down, it is brought up again.
func (a vmAction) mayBegin(step remediate.Step) error {
	if step.Do == remediate.VerbSwap || step.Do == remediate.VerbBoot {
		return nil
	}
	return a.halted()
}

// Happened compares the witness with the world.
func (a vmAction) Happened(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	m, action, err := a.of(step)
	if err != nil {
		return remediate.Receipt{}, fmt.Errorf("%w: %w", remediate.ErrInDoubt, err)
	}
	receipt, err := action.Happened(ctx, step, before)
	return m.note(step, receipt, ""), err
}

// seesVM are the sights that a virtual machine's actuator has.
var seesVM = []remediate.Sight{remediate.SeeScreen, remediate.SeeQMPStatus, remediate.SeeBlockGraph, remediate.SeeConsole}

// seeVM takes one piece of evidence of a virtual machine.
func (w *world) seeVM(ctx context.Context, look remediate.Look, about remediate.Target) remediate.Evidence {
	m, err := w.find(about.Name)
	switch {
	case err != nil:
		return remediate.Evidence{Look: look, Error: err.Error()}
	case look.What == remediate.SeeProbe:
		return remediate.Evidence{Look: look, Text: answers(w.askVM(ctx, about.Name, m))}
	}
	return m.See(ctx, look)
}

// askVM asks all by which a virtual machine is called healthy, at once.
func (w *world) askVM(ctx context.Context, name string, m *machine) []remediate.Observation {
	names := append([]string{remediate.VMProbe(name)}, m.spec.Healthy...)
	observations := make([]remediate.Observation, len(names))
	var all sync.WaitGroup
	for n := range names {
		all.Go(func() {
			observations[n] = w.Probe(ctx, names[n])
			observations[n].Probe = names[n]
		})
	}
	all.Wait()
	return observations
}

// answers writes what probes said, a line each.
func answers(observations []remediate.Observation) string {
	var text strings.Builder
	for _, o := range observations {
		fmt.Fprintf(&text, "%s: %s: %s\n", o.Probe, o.Health, o.Detail)
	}
	return text.String()
}

// wellness keeps for how long something has been seen healthy.
type wellness struct {
	mu    sync.Mutex
	since time.Time
}

func (w *wellness) saw(worst remediate.Health, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case worst != remediate.Healthy:
		w.since = time.Time{}
	case w.since.IsZero():
		w.since = now
	}
}

// lasted is that time; 0 while it is not healthy, or nobody looked.
func (w *wellness) lasted(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.since.IsZero() {
		return 0
	}
	return now.Sub(w.since)
}

// watchEvery is how often a virtual machine is looked at while all is well, so that
// it is known for how long it has been: a thirtieth of what a grade asks for.
const watchEvery = remediate.HealthyFor / 30

// watchedVM is a virtual machine that is sampled.
type watchedVM struct {
	name  string
	world *world
}

// Every is how often it is asked.
func (v watchedVM) Every() time.Duration { return watchEvery }

// Probe asks all by which it is called healthy, and keeps what that means.
func (v watchedVM) Probe(ctx context.Context) remediate.Observation {
	m, err := v.world.find(v.name)
	if err != nil {
		return remediate.Observation{Probe: remediate.VMProbe(v.name), Detail: err.Error()}
	}
	observations := v.world.askVM(ctx, v.name, m)
	worst := remediate.Worst(observations)
	m.well.saw(worst, time.Now())
	return remediate.Observation{Probe: remediate.VMProbe(v.name), Health: worst, Detail: answers(observations)}
}
