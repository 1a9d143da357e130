package agent

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os/user"
	"reflect"
	"slices"
	"strconv"
	"time"

	"nightshift/remediate/inventory"
	"nightshift/remediate/oncall"
	"nightshift/remediate/qemu"
)

// makeVMs makes the inventory's virtual machines. One that is as it was before is
// kept, with what is known of it; those that are gone are closed. Only an agent
// listens to the agents inside: it is one at a time.
func makeVMs(w *world, file *inventory.File, before map[string]*machine, listen bool) map[string]*machine {
	made := map[string]*machine{}
	for name, spec := range file.VMs {
		if old := before[name]; old != nil && reflect.DeepEqual(old.spec, spec) {
			made[name] = old
			continue
		}
		made[name] = makeVM(w, name, spec, listen, before[name])
	}
	for name, old := range before {
		if made[name] != old {
			old.close()
		}
	}
	return made
}

// makeVM makes one, in the place of the one before if there is one.
func makeVM(w *world, name string, spec inventory.VM, listen bool, before *machine) *machine {
	m := &machine{spec: spec, well: &wellness{}}
	if listen && spec.Guest != "" {
		m.guest = newGuest(spec.Guest, time.Now, w.log)
	}
	o := optionsOf(name, spec)
	o.Keeper, o.Probe, o.Log, o.Now, o.Reached = keeper{w.units}, w.Probe, w.log, time.Now, reached
	now := clock()
	o.Up = func() time.Duration { return now().Up }
	o.HealthyFor = func() time.Duration { return m.well.lasted(time.Now()) }
	o.GuestActs = func(context.Context) bool { return m.guest != nil && m.guest.acts() }
	anew := qemu.New
	if before != nil {
		anew = before.again
	}
	machine := anew(o)
	m.vm, m.again = machine, machine.Again
	m.checkpoints = func(ctx context.Context) ([]oncall.Checkpoint, error) { return listCheckpoints(ctx, machine) }
	m.prune, m.trim = machine.Prune, machine.TrimConsole
	return m
}

// optionsOf is what the inventory says of a virtual machine, for its actuator.
func optionsOf(name string, spec inventory.VM) qemu.Options {
	o := qemu.Options{
		Name: name, Unit: spec.Unit, QMP: spec.QMP, Images: spec.Images, Disks: map[string]qemu.Disk{},
		BootsWithin: spec.BootsWithin, PowerDownWithin: spec.PowerDownWithin, DeploysFrom: spec.DeploysFrom,
		KeepAside: qemu.Retention(spec.KeepAside), KeepCheckpoints: spec.KeepCheckpoints,
	}
	for disk, does := range spec.Disks {
		o.Disks[disk] = qemu.Disk(does)
	}
	if p := spec.Proof; p != nil {
		o.Proof = &qemu.Proof{Unit: p.Unit, QMP: p.QMP, Healthy: p.Healthy}
	}
	return o
}

// listCheckpoints are what one can go back to, as people see it.
func listCheckpoints(ctx context.Context, vm *qemu.VM) ([]oncall.Checkpoint, error) {
	all, err := vm.Checkpoints(ctx)
	listed := make([]oncall.Checkpoint, len(all))
	for n, c := range all {
		listed[n] = oncall.Checkpoint{
			Name: c.Name, Taken: c.Taken, Grade: c.Grade, Promoted: c.Promoted, LastKnownGood: c.Good, Digest: c.Digest, Wrong: c.Wrong,
		}
	}
	return listed, err
}

// specOf is a virtual machine of the inventory that the settings name.
func specOf(s Settings, vm string) (inventory.VM, error) {
	file, err := s.Inventory()
	if err != nil {
		return inventory.VM{}, err
	}
	spec, ok := file.VMs[vm]
	if !ok {
		return spec, fmt.Errorf("cannot find the virtual machine %q: the inventory has %v", vm, slices.Sorted(maps.Keys(file.VMs)))
	}
	return spec, nil
}

// VerifyCheckpoint reads a promoted checkpoint whole and holds it against what was
// recorded of it; without a name it is the last known good. It returns the name, and
// needs no agent. progress is told of bytes.
func VerifyCheckpoint(ctx context.Context, s Settings, vm, name string, progress func(done, total int64)) (string, error) {
	spec, err := specOf(s, vm)
	if err != nil {
		return "", err
	}
	o := optionsOf(vm, spec)
	o.Log = slog.New(slog.DiscardHandler)
	machine := qemu.New(o)
	if name == "" {
		if name, err = lastKnownGood(ctx, machine); err != nil {
			return "", fmt.Errorf("cannot verify the last known good of %s: %w", vm, err)
		}
	}
	return name, machine.Verify(ctx, name, progress)
}

// lastKnownGood is the name of the checkpoint that is.
func lastKnownGood(ctx context.Context, machine *qemu.VM) (string, error) {
	all, err := machine.Checkpoints(ctx)
	n := slices.IndexFunc(all, func(c qemu.Checkpoint) bool { return c.Good })
	switch {
	case n >= 0:
		return all[n].Name, nil
	case err != nil:
		return "", err
	}
	return "", fmt.Errorf("no checkpoint was promoted yet; nightshift vm promote does")
}

// Promote copies a checkpoint to where the agent can't write and makes it the last
// known good. It is for root: agentUser is whose catalogue of checkpoints is believed.
// It returns the digest of what was written.
func Promote(ctx context.Context, s Settings, vm, name, agentUser string, progress func(done, total int64)) (string, error) {
	o, err := promotionOf(s, vm, name, agentUser)
	if err != nil {
		return "", err
	}
	r, err := qemu.Promote(ctx, o, progress)
	if err != nil {
		return "", err
	}
	return r.Digest(), nil
}

// Adopt gives a virtual machine its first disks: from names an image for each disk
// that goes back, or, under the empty name, for the only one. It is for root, before
// the machine runs. It returns the digest of what was written.
func Adopt(ctx context.Context, s Settings, vm, name, by string, from map[string]string, progress func(done, total int64)) (string, error) {
	o, err := promotionOf(s, vm, name, "root")
	if err != nil {
		return "", err
	}
	if image, ok := from[""]; ok {
		if len(o.Disks) != 1 || len(from) != 1 {
			return "", fmt.Errorf("cannot tell for which disk %s is: write DISK=IMAGE for each of %v", image, o.Disks)
		}
		from = map[string]string{o.Disks[0]: image}
	}
	o.By = by
	r, err := qemu.Adopt(ctx, o, from, progress)
	if err != nil {
		return "", err
	}
	return r.Digest(), nil
}

// ShutDown presses the power button of a QEMU, by a monitor that nobody else uses, until
// its process has ended. It is for the unit of a virtual machine that is stopped.
func ShutDown(ctx context.Context, monitor string, pid int, within time.Duration) error {
	return qemu.PowerButton{Monitor: monitor, PID: pid, Within: within}.Press(ctx)
}

// promotionOf is what the inventory says of a promotion.
func promotionOf(s Settings, vm, name, agentUser string) (qemu.PromoteOptions, error) {
	spec, err := specOf(s, vm)
	if err != nil {
		return qemu.PromoteOptions{}, err
	}
	uid, err := uidOf(agentUser)
	if err != nil {
		return qemu.PromoteOptions{}, err
	}
	var goBack []string
	for _, disk := range slices.Sorted(maps.Keys(spec.Disks)) {
		if spec.Disks[disk] == inventory.Rollback {
			goBack = append(goBack, disk)
		}
	}
	return qemu.PromoteOptions{
		VM: vm, Name: name, Images: spec.Images, Disks: goBack, DeploysFrom: spec.DeploysFrom, Agent: uid, Now: time.Now, Reached: reached,
	}, nil
}

// uidOf is the number of a user.
func uidOf(name string) (uint32, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, fmt.Errorf("cannot find the user that the agent runs as: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("cannot read the number of user %s: %w", name, err)
	}
	return uint32(uid), nil
}
