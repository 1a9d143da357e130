package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"nightshift/test/site"
	"nightshift/test/world"
)

// stage is where an act plays: one of two machines.
type stage int

const (
	theSite   stage = iota // RAVE itself
	theVMHost              // the machine that has a RAVE as a virtual machine
)

// on is the machine of a stage.
func (d *demo) on(s stage) *site.Site {
	if s == theVMHost {
		return d.host
	}
	return d.site
}

// What is there of a virtual machine beside its unit: the disk that goes back, what
// of it was put aside, the disk that stays, and what a rollback goes back to.
const (
	systemDisk = "system"
	setAside   = "set-aside"
	dataDisk   = "data"
	knownGood  = "last-known-good"
)

// stands is what there is on a stage, each thing with what changes exactly when it
// becomes another: the InvocationID of a unit, the overlay of a disk that goes back,
// the counter on the one that stays.
func (d *demo) stands(ctx context.Context, s stage) (map[string]string, error) {
	if s == theSite {
		return d.site.Invocations(ctx)
	}
	vm := d.host.VM()
	unit, err := d.host.Properties(ctx, world.VMUnit, "InvocationID")
	if err != nil {
		return nil, err
	}
	overlay, err := vm.Overlay()
	if err != nil {
		return nil, err
	}
	aside, err := vm.Aside()
	if err != nil {
		return nil, err
	}
	served, _, err := vm.Served(ctx)
	if err != nil {
		return nil, err
	}
	if served.Data == nil {
		return nil, fmt.Errorf("cannot read the counter of the data disk: the guest has none")
	}
	good, err := os.ReadFile(d.host.Path("/var/lib/rave/good/last-known-good"))
	return map[string]string{
		world.VMUnit: unit["InvocationID"], systemDisk: overlay, setAside: strings.Join(aside, " "),
		dataDisk: fmt.Sprint(*served.Data), knownGood: string(good),
	}, err
}

// compare says what is another than before, and what is the same, each sorted.
func compare(before, after map[string]string) (anew, same []string) {
	for thing, was := range before {
		if after[thing] == was {
			same = append(same, thing)
		} else {
			anew = append(anew, thing)
		}
	}
	slices.Sort(anew)
	slices.Sort(same)
	return anew, same
}

// details say of a virtual machine what became of its disks; of units the
// comparison says enough.
func details(before, after map[string]string) []string {
	if before[dataDisk] == "" {
		return nil
	}
	return []string{
		fmt.Sprintf("the counter on the data disk was %s and is %s", before[dataDisk], after[dataDisk]),
		"the disk of the failed update is kept: " + after[setAside],
	}
}
