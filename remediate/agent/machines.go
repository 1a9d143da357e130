package agent

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"nightshift/playbooks"
	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/inventory"
	"nightshift/remediate/oncall"
)

// Start opens an incident for what a person orders.
func (p people) Start(ctx context.Context, by string, o oncall.Order, proof *remediate.Proof) (remediate.Incident, error) {
	if err := checkOrder(o); err != nil {
		return remediate.Incident{}, err
	}
	asked := o.Asked(by)
	asked.Proof = proof
	return p.a.engine.Start(ctx, o.Playbook, o.Target, asked)
}

// Foresee says what Start would do.
func (p people) Foresee(ctx context.Context, o oncall.Order) ([]byte, error) {
	return foresee(ctx, p.a.engine, o)
}

// VMs says how each virtual machine stands.
func (p people) VMs(ctx context.Context) ([]oncall.VM, error) { return p.a.world.tellVMs(ctx), nil }

func foresee(ctx context.Context, e *engine.Engine, o oncall.Order) ([]byte, error) {
	if err := checkOrder(o); err != nil {
		return nil, err
	}
	x, err := e.Foresee(ctx, o.Playbook, o.Target, o.Asked(operatorUser))
	if err != nil {
		return nil, err
	}
	return remediate.EncodeJSON(x)
}

// ForeseeOffline says what an order would do if the agent ran now.
func ForeseeOffline(ctx context.Context, s Settings, o oncall.Order) ([]byte, error) {
	return offline(ctx, s, func(ctx context.Context, e *engine.Engine, _ *inventory.File) ([]byte, error) {
		return foresee(ctx, e, o)
	})
}

// VMsOffline says how the virtual machines stand, without an agent.
func VMsOffline(ctx context.Context, s Settings) ([]oncall.VM, error) {
	file, err := s.Inventory()
	if err != nil {
		return nil, err
	}
	w, end, err := worldOf(s, file, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer end()
	return w.tellVMs(ctx), nil
}

// wants says what an order for a playbook must name, and what it can't.
type wants struct{ checkpoint, image bool }

// needs is what an order for each playbook can't do without.
var needs = map[string]wants{
	playbooks.VMCheckpoint.Name: {checkpoint: true},
	playbooks.VMPromote.Name:    {checkpoint: true},
	playbooks.VMDeploy.Name:     {image: true},
}

// maxName bounds what a person may name, in bytes: NAME_MAX of Linux for a
// checkpoint, PATH_MAX for an image (limits.h).
const (
	maxName = 255
	maxPath = 4096
)

// checkOrder finds what is wrong with an order whatever the world is like.
func checkOrder(o oncall.Order) error {
	need := needs[o.Playbook]
	switch {
	case need.checkpoint && o.Checkpoint == "":
		return fmt.Errorf("cannot start %s without a checkpoint: name one", o.Playbook)
	case need.image && o.Image == "":
		return fmt.Errorf("cannot start %s without an image: give its path", o.Playbook)
	case o.Checkpoint != "" && (need.image || o.Playbook == playbooks.VMUndo.Name):
		return fmt.Errorf("cannot start %s with a checkpoint: it takes none", o.Playbook)
	case o.Image != "" && !need.image:
		return fmt.Errorf("cannot start %s with an image: it takes none", o.Playbook)
	case len(o.Checkpoint) > maxName || remediate.Printable(o.Checkpoint) != o.Checkpoint:
		return fmt.Errorf("cannot use %q as a checkpoint: expected a name of at most %d characters", remediate.Brief(o.Checkpoint), maxName)
	case o.Image != "" && (len(o.Image) > maxPath || !filepath.IsAbs(o.Image) || filepath.Clean(o.Image) != o.Image):
		return fmt.Errorf("cannot use %q as an image: expected an absolute path without detours", remediate.Brief(o.Image))
	}
	return nil
}

// tellTimeout bounds the reading of one virtual machine for people: a QEMU that hangs
// must not hold up the others, nor the answer.
const tellTimeout = 10 * time.Second

// tellVMs says how each virtual machine stands.
func (w *world) tellVMs(ctx context.Context) []oncall.VM {
	ctx, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	names := w.names()
	told := make([]oncall.VM, len(names))
	var all sync.WaitGroup
	for n, name := range names {
		all.Go(func() { told[n] = w.tellVM(ctx, name) })
	}
	all.Wait()
	return told
}

func (w *world) tellVM(ctx context.Context, name string) oncall.VM {
	m, err := w.find(name)
	if err != nil {
		return oncall.VM{Name: name, Problem: err.Error()}
	}
	stands, seen := m.Machine(ctx, nil), m.Probe(ctx)
	v := oncall.VM{
		Name: name, Unit: m.spec.Unit, State: stands.State, Health: seen.Health, Detail: seen.Detail,
		Disks: disksOf(m.spec.Disks, stands), LastKnownGood: stands.Images[remediate.LastKnownGood].Name,
		Lacks: stands.Lacks[remediate.LastKnownGood],
	}
	if m.guest != nil {
		v.Guest = m.guest.words()
	}
	if v.Checkpoints, err = m.checkpoints(ctx); err != nil {
		v.Problem = remediate.Brief(err.Error())
	}
	return v
}

// disksOf are the disks of the inventory, with what each is on where a swap would
// change that.
func disksOf(spec map[string]inventory.Disk, m remediate.Machine) []oncall.Disk {
	on := m.Images[remediate.BeforeSwap].From
	if on == nil {
		on = m.Images[remediate.LastKnownGood].From
	}
	var disks []oncall.Disk
	for _, name := range slices.Sorted(maps.Keys(spec)) {
		disks = append(disks, oncall.Disk{Name: name, Keep: spec[name] == inventory.Keep, File: on[name]})
	}
	return disks
}

// lacksTimeout bounds the question whether a QEMU answers, where somebody waits to
// hear how the agent is.
const lacksTimeout = 3 * time.Second

// lacksVMs adds the virtual machines that can't be asked.
func (w *world) lacksVMs(ctx context.Context, lacks map[string]string) {
	ctx, cancel := context.WithTimeout(ctx, lacksTimeout)
	defer cancel()
	for _, name := range w.names() {
		if o := w.Probe(ctx, remediate.VMProbe(name)); o.Health == remediate.Unknown {
			lacks[remediate.VMProbe(name)] = "its QEMU can be neither asked nor acted on: " + o.Detail
		}
	}
}
