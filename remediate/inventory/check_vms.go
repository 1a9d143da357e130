package inventory

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"nightshift/remediate"
)

func (c *checker) checkVMs() {
	taken := map[string]string{} // what belongs to one VM only: units, sockets, directories
	for _, name := range sorted(c.file.VMs) {
		path, vm := join("vms", name), c.file.VMs[name]
		c.isToken(path, name)
		c.need(path, "unit", "the unit that runs the VM")
		c.need(path, "qmp", "the path of its control socket")
		c.need(path, "images", "the directory of its disks")
		c.need(path, "disks", "what a rollback does with each: rollback or keep")
		c.checkVMUnit(join(path, "unit"), vm.Unit, taken)
		c.checkSocket(join(path, "qmp"), vm.QMP, taken)
		c.checkSocket(join(path, "guest"), vm.Guest, taken)
		c.checkImages(join(path, "images"), vm.Images, taken)
		c.checkDisks(join(path, "disks"), vm.Disks)
		c.known(join(path, "healthy"), vm.Healthy, "probe of this file", sorted(c.file.Probes))
		c.checkProof(join(path, "proof"), vm.Proof, taken)
		c.checkDeploysFrom(join(path, "deploys_from"), vm.DeploysFrom)
		c.checkVMFigures(path, &vm)
		c.ownFigures(path, vm.Rates, vm.Breaker)
		c.warnVM(path, vm)
		c.file.VMs[name] = vm
	}
}

// checkVMUnit notes an error unless a unit is a service that is the VM's alone:
// what is acted on by name as well would be started and stopped past the VM.
func (c *checker) checkVMUnit(path, unit string, taken map[string]string) {
	_, listed := c.file.Units[unit]
	switch why := wrongUnit(unit); {
	case !c.has(path):
	case why != "":
		c.wrong(path, "%s", why)
	case !strings.HasSuffix(unit, ".service"):
		c.wrong(path, "%s is no service; expected a name that ends in .service", quote(unit))
	case listed:
		c.wrong(path, "%s is in units too: it is started and stopped as part of the VM only; take it out there", quote(unit))
	case c.options.Denied != nil && c.options.Denied(unit):
		c.wrong(path, "%s is on the deny list; run the VM in a unit of its own", quote(unit))
	default:
		c.onlyOnce(path, unit, taken)
	}
}

// onlyOnce notes an error when something is another VM's, or is meant twice.
func (c *checker) onlyOnce(path, thing string, taken map[string]string) {
	if first := taken[thing]; first != "" {
		c.wrong(path, "%s is %s already; each VM has its own", quote(thing), first)
		return
	}
	taken[thing] = path
}

// maxSocket is how long the path of a socket may be, in bytes: sun_path in unix(7)
// has 108, one of them for the closing zero.
const maxSocket = 107

func (c *checker) checkSocket(path, socket string, taken map[string]string) {
	c.checkPath(path, socket)
	switch {
	case !c.has(path) || !isCleanPath(socket):
	case len(socket) > maxSocket:
		c.wrong(path, "expected at most %d characters, found %d: the path of a socket can't be longer", maxSocket, len(socket))
	default:
		c.onlyOnce(path, socket, taken)
	}
}

// isCleanPath reports whether a path is what checkPath wants.
func isCleanPath(path string) bool { return filepath.IsAbs(path) && filepath.Clean(path) == path }

// checkImages notes an error where two VMs would have files in one directory, or
// one of them in the other's.
func (c *checker) checkImages(path, images string, taken map[string]string) {
	c.checkPath(path, images)
	switch {
	case !c.has(path) || !isCleanPath(images):
	case images == "/":
		c.wrong(path, "expected a directory of the VM's own, found the root")
	default:
		for _, other := range slices.Sorted(maps.Keys(taken)) {
			if strings.HasSuffix(taken[other], ".images") && (below(images, other) || below(other, images)) {
				c.wrong(path, "%s and %s (%s) lie in each other; each VM has a directory of its own", quote(images), quote(other), taken[other])
				return
			}
		}
		taken[images] = path
	}
}

// below reports whether a path is dir or lies in it.
func below(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// reserved are names of files beside the disks of a VM, which no disk can have.
var reserved = []string{"hold", "proof", "smbios"}

func (c *checker) checkDisks(path string, disks map[string]Disk) {
	goBack := false
	for _, disk := range sorted(disks) {
		at := join(path, disk)
		c.isToken(at, disk)
		if slices.Contains(reserved, disk) {
			c.wrongKey(at, "a file of the agent's has this name beside the disks; name the disk otherwise")
		}
		goBack = goBack || disks[disk] != Keep
	}
	if c.has(path) && !goBack {
		c.wrong(path, "expected at least one disk with rollback: a rollback of none does nothing")
	}
}

func (c *checker) checkProof(path string, proof *Proof, taken map[string]string) {
	if proof == nil {
		return
	}
	c.need(path, "unit", "the unit that boots a checkpoint on a throw-away overlay")
	c.need(path, "qmp", "the path of that one's control socket")
	c.need(path, "healthy", "the probes that tell whether it is healthy: without one nothing is proved")
	c.checkVMUnit(join(path, "unit"), proof.Unit, taken)
	c.checkSocket(join(path, "qmp"), proof.QMP, taken)
	healthy := join(path, "healthy")
	if c.has(healthy) && len(proof.Healthy) == 0 {
		c.wrong(healthy, "expected at least one probe: without one nothing is proved")
	}
	c.known(healthy, proof.Healthy, "probe of this file", sorted(c.file.Probes))
}

func (c *checker) checkDeploysFrom(path string, dirs []string) {
	for i, dir := range dirs {
		c.checkPath(item(path, i), dir)
		if dir == "/" {
			c.wrong(item(path, i), "expected a directory that holds images, found the root: that would be any file")
		}
	}
}

// checkVMFigures fills in what the file leaves out and bounds the rest.
func (c *checker) checkVMFigures(path string, vm *VM) {
	c.lasts(join(path, "boots_within"), &vm.BootsWithin, defaultBoots, time.Second, 30*time.Minute)
	c.lasts(join(path, "power_down_within"), &vm.PowerDownWithin, defaultPowerDown, time.Second, 2*time.Minute)
	c.lasts(join(path, "rollback_every"), &vm.RollbackEvery, defaultRollbackEvery, time.Minute, maxDuration)
	c.lasts(join(path, "keep_aside.age"), &vm.KeepAside.Age, defaultAsideAge, time.Hour, maxDuration)
	turn := time.Duration(0)
	if vm.Guest != "" {
		turn = defaultWaitForGuest
	}
	c.lasts(join(path, "wait_for_guest"), &vm.WaitForGuest, turn, time.Second, 20*time.Minute)
	if count := join(path, "keep_aside.count"); !c.has(count) {
		vm.KeepAside.Count = defaultAsideCount
	} else {
		c.between(count, vm.KeepAside.Count, 1, 100)
	}
	if count := join(path, "keep_checkpoints"); !c.has(count) {
		vm.KeepCheckpoints = defaultCheckpoints
	} else {
		c.between(count, vm.KeepCheckpoints, 1, 100)
	}
	if auto := join(path, "auto"); !c.has(auto) {
		vm.Auto = remediate.Restart
	} else if vm.Auto < remediate.Restart {
		c.wrong(auto, "expected restart, reset or rollback: the greatest risk that needs no person")
	}
}

// lasts fills in the default of a duration, or holds the one that is given within
// bounds. One that could not be read at all has been noted as that.
func (c *checker) lasts(path string, d *time.Duration, otherwise, least, most time.Duration) {
	switch {
	case !c.has(path):
		*d = otherwise
	case *d > 0 && (*d < least || *d > most):
		c.wrong(path, "expected %s to %s, found %s", spell(least), spell(most), spell(*d))
	}
}

func (c *checker) warnVM(path string, vm VM) {
	if len(vm.Healthy) == 0 {
		c.warn(c.holder(path), path, "no probe tells whether it is healthy: that its QEMU runs is all that is asked; name some in healthy")
	}
	if turn := join(path, "wait_for_guest"); c.has(turn) && vm.Guest == "" {
		c.warn(c.holder(turn), turn, "nobody is waited for: guest does not say where the agent inside answers")
	}
}
