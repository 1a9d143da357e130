package inventory

import (
	"time"

	"nightshift/remediate"
)

// VM is a virtual machine that this host runs under QEMU.
type VM struct {
	// Unit runs it; it is started and stopped only as part of the VM.
	Unit string `yaml:"unit"`
	// QMP is the path of its control socket, Images the directory of its disks.
	QMP    string `yaml:"qmp"`
	Images string `yaml:"images"`
	// Disks says of each disk whether a rollback takes it back.
	Disks map[string]Disk `yaml:"disks"`
	// Healthy names the probes that tell whether the VM is healthy, beside its run
	// state.
	Healthy []string `yaml:"healthy"`
	// BootsWithin bounds a boot, PowerDownWithin a graceful power-down.
	BootsWithin     time.Duration `yaml:"boots_within"`
	PowerDownWithin time.Duration `yaml:"power_down_within"`
	// Guest is the path of the socket on which the agent inside answers, and
	// WaitForGuest how long it has its turn.
	Guest        string        `yaml:"guest"`
	WaitForGuest time.Duration `yaml:"wait_for_guest"`
	// Proof boots a checkpoint beside the VM; nil where none can be proved.
	Proof *Proof `yaml:"proof"`
	// DeploysFrom are the directories below which an image may lie that is
	// deployed.
	DeploysFrom []string `yaml:"deploys_from"`
	// Auto is the greatest risk that needs no person.
	Auto remediate.Risk `yaml:"auto"`
	// RollbackEvery is the least time between two rollbacks that nobody asked for.
	RollbackEvery time.Duration `yaml:"rollback_every"`
	// KeepAside is how long disks are kept that a rollback put aside.
	KeepAside KeepAside `yaml:"keep_aside"`
	// KeepCheckpoints is how many checkpoints are kept that were not promoted.
	KeepCheckpoints int `yaml:"keep_checkpoints"`
	// Autonomy is how far the agent may go with it.
	Autonomy remediate.Autonomy `yaml:"autonomy"`
	// Rates and Breaker are its own, in the place of rates.touched and
	// breaker.touched.
	Rates   []Rate `yaml:"rates,orone"`
	Breaker int    `yaml:"breaker"`
}

// Proof is a unit of its own that boots a checkpoint on a throw-away overlay,
// without a network, until its probes are healthy.
type Proof struct {
	Unit    string   `yaml:"unit"`
	QMP     string   `yaml:"qmp"`
	Healthy []string `yaml:"healthy"`
}

// KeepAside bounds what is kept of disks that were put aside: whichever comes
// first. The newest one is always kept.
type KeepAside struct {
	Count int           `yaml:"count"`
	Age   time.Duration `yaml:"age"`
}

// The defaults of a VM.
const (
	// defaultBoots is ten times what a Debian guest needs without KVM (8 to 17 s,
	// measured).
	defaultBoots = 2 * time.Minute
	// defaultPowerDown is two thirds of systemd's own DefaultTimeoutStopSec=, 90 s
	// (systemd-system.conf(5)), so that a graceful end comes before a kill.
	defaultPowerDown = time.Minute
	// defaultWaitForGuest is room for an agent inside to climb two rungs with
	// their verifications, which last 3 minutes each at most.
	defaultWaitForGuest = 8 * time.Minute
	// defaultRollbackEvery is so long that a second rollback is no longer the
	// first one's trouble.
	defaultRollbackEvery = 6 * time.Hour
	// defaultAsideCount and defaultAsideAge leave time to look into a failure.
	defaultAsideCount = 5
	defaultAsideAge   = 30 * 24 * time.Hour
	// defaultCheckpoints is more than a chain can have (8), so that none is removed
	// that belongs to what runs.
	defaultCheckpoints = 20
)

// managed is what the core must know of the VM.
func (v VM) managed() remediate.ManagedVM {
	return remediate.ManagedVM{
		Unit: v.Unit, Healthy: v.Healthy, Boots: v.BootsWithin, WaitForGuest: v.WaitForGuest,
		Alone: v.Auto, RollbackEvery: v.RollbackEvery, Autonomy: v.Autonomy,
		Own: remediate.Own{Rates: rates(v.Rates), Breaker: v.Breaker},
	}
}
