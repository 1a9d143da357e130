package qemu

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"nightshift/remediate"
)

// Keeper runs the units of VMs: systemd, set in the wiring. Each call returns once
// the job is done, has failed, or ctx has ended.
type Keeper interface {
	Start(ctx context.Context, unit string) error
	Stop(ctx context.Context, unit string) error
	State(ctx context.Context, unit string) (UnitState, error)
	// Stopped reports whether a unit is down because somebody asked for that. It may
	// take longer than State, and whether it is down does not hang on it.
	Stopped(ctx context.Context, unit string) (bool, error)
	// Oneshot starts a unit that does one thing and ends, and returns an error
	// unless its Result is success.
	Oneshot(ctx context.Context, unit string) error
}

// UnitState is how a unit stands.
type UnitState struct {
	// Exists is whether it is loaded, Active whether it is anything but inactive
	// and failed, Settling whether a job of it is under way.
	Exists, Active, Settling bool
	// Failed and Result are how it last ended.
	Failed bool
	Result string
	// MainPID is its main process; 0 when there is none.
	MainPID int
	// Invocation changes exactly when it is started anew.
	Invocation string
}

// Disk says what a rollback does with a disk.
type Disk string

// What can be done with a disk.
const (
	GoesBack Disk = "rollback"
	Stays    Disk = "keep"
)

// Proof is the unit in which a checkpoint is booted on a throw-away overlay.
type Proof struct {
	// Unit runs it, on live/proof/DISK for each disk that goes back; QMP is its
	// socket, Healthy the probes that tell that it is well.
	Unit, QMP string
	Healthy   []string
	// Window is how long they must stay so; [DefaultProofWindow] if 0.
	Window time.Duration
}

// Retention says what is kept of what swaps put aside: at most Count, and none
// that is older than Age, of which one a day is removed. The newest is always kept.
type Retention struct {
	Count int
	Age   time.Duration
}

// Options is what the inventory says of a VM, and what it is wired to.
type Options struct {
	// Name is the VM's, one token of [a-z0-9-]; Unit runs its QEMU, QMP is its socket,
	// Images the directory of its disks.
	Name, Unit, QMP, Images string
	// Disks by name.
	Disks map[string]Disk
	// BootsWithin bounds a boot; PowerDownWithin what the guest has to shut down.
	BootsWithin, PowerDownWithin time.Duration
	// Proof is nil where the site has no unit for it.
	Proof *Proof
	// DeploysFrom are the directories in which an image may lie that is deployed.
	DeploysFrom []string
	KeepAside   Retention
	// KeepCheckpoints is how many live checkpoints are kept; 0 is all.
	KeepCheckpoints int

	Keeper Keeper
	// Probe asks a probe of the inventory.
	Probe func(ctx context.Context, name string) remediate.Observation
	// HealthyFor is for how long the VM has been seen healthy; nil is not known.
	HealthyFor func() time.Duration
	// GuestActs is whether an agent inside answers and has not given up; nil is no.
	GuestActs func(ctx context.Context) bool
	Now       func() time.Time
	// Up is CLOCK_BOOTTIME, clock_gettime(2): a clock that nobody sets. Without it
	// nothing is removed for its age.
	Up  func() time.Duration
	Log *slog.Logger
	// Reached is told of each durable boundary, so that a test can end there; nil is
	// nobody.
	Reached func(point string)
	// Store and GCRoots are Nix's; /nix/store and /nix/var/nix/gcroots if empty.
	Store, GCRoots string
}

// Defaults, each of the inventory's shape.
const (
	DefaultPowerDown   = time.Minute
	DefaultBootsWithin = 2 * time.Minute
	// DefaultProofWindow is as long as a verification's window after a unit's
	// restart; what fails at boot has failed by then.
	DefaultProofWindow = 30 * time.Second
)

// VM is one virtual machine. It is safe for concurrent use; what changes its disks
// is done one at a time.
type VM struct {
	o     Options
	place place
	// socket and disks are held by who talks to QEMU, and who changes disks.
	socket, disks chan struct{}
	aged          *aged
}

// New is the VM that the options describe. The inventory has checked them.
func New(o Options) *VM {
	o.PowerDownWithin = cmp.Or(o.PowerDownWithin, DefaultPowerDown)
	o.BootsWithin = cmp.Or(o.BootsWithin, DefaultBootsWithin)
	if o.Reached == nil {
		o.Reached = func(string) {}
	}
	if o.Up == nil {
		o.Up = func() time.Duration { return 0 }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &VM{
		o: o,
		place: place{
			images: o.Images, deploys: o.DeploysFrom, who: itself(),
			store: cmp.Or(o.Store, nixStore), roots: cmp.Or(o.GCRoots, nixRoots),
		},
		socket: make(chan struct{}, 1), disks: make(chan struct{}, 1), aged: &aged{last: o.Up()},
	}
}

// Again is the same VM as a changed inventory has it: what is under way on it is waited
// for, as before.
func (v *VM) Again(o Options) *VM {
	again := New(o)
	again.socket, again.disks, again.aged = v.socket, v.disks, v.aged
	return again
}

// goBack are the names of the disks that go back, sorted; keep of those that stay.
func (v *VM) goBack() []string { return v.disksThat(GoesBack) }
func (v *VM) keep() []string   { return v.disksThat(Stays) }

func (v *VM) disksThat(what Disk) []string {
	var names []string
	for name, policy := range v.o.Disks {
		if policy == what {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// alone waits until nobody else changes the disks.
func (v *VM) alone(ctx context.Context) (release func(), err error) {
	return hold(ctx, v.disks, "another act on the disks of "+v.o.Name)
}

func hold(ctx context.Context, place chan struct{}, what string) (release func(), err error) {
	select {
	case place <- struct{}{}:
		return func() { <-place }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("cannot wait for the end of %s: %w", what, ctx.Err())
	}
}
