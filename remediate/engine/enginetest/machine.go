package enginetest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"nightshift/remediate"
)

var _ remediate.Action = Move{}

// Machine is how the one VM of a world stands: its power, and what its disks are
// on. A real one also has a hold, and takes its time to boot.
type Machine struct {
	Alive, Paused bool
	// Disk is the image below the disk; Good the last-known-good.
	Disk, Good string
	// Mends are the images that make the VM healthy, by their name.
	Mends []string
	// Fails are the verbs that fail, with what they answer.
	Fails map[remediate.Verb]error
	// Starts counts how often it was started, Swaps how often its disks were
	// exchanged.
	Starts, Swaps int
}

// Machine reads how the VM stands.
func (w *World) Machine(context.Context, string, *remediate.Asked) remediate.Machine {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := remediate.Machine{Alive: w.vm.Alive, Paused: w.vm.Paused, State: "as the test says", Lacks: map[remediate.Source]string{}}
	if w.vm.Good == "" {
		m.Lacks[remediate.LastKnownGood] = "nothing was promoted yet"
		return m
	}
	m.Images = map[remediate.Source]remediate.Image{remediate.LastKnownGood: {
		Name: w.vm.Good, Digest: "digest of " + w.vm.Good, From: map[string]string{"system": w.vm.Disk},
	}}
	return m
}

// ChangeVM changes the VM.
func (w *World) ChangeVM(f func(*Machine)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.vm)
}

// VM is how the VM stands.
func (w *World) VM() Machine {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.vm
}

// Move is an action on the VM of a world.
type Move struct{ World *World }

// Moves are the actions on the VM.
func Moves(w *World) map[remediate.Verb]remediate.Action {
	moves := map[remediate.Verb]remediate.Action{}
	for _, verb := range []remediate.Verb{remediate.VerbCont, remediate.VerbReset, remediate.VerbPowerDown, remediate.VerbSwap, remediate.VerbBoot, remediate.VerbCheckpoint} {
		moves[verb] = Move{w}
	}
	return moves
}

// Witness is the power, the disk and the number of starts.
func (m Move) Witness(context.Context, remediate.Step) (remediate.Witness, error) {
	vm := m.World.VM()
	return remediate.Witness{"disk": vm.Disk, "starts": strconv.Itoa(vm.Starts)}, nil
}

// Do takes a second, then acts at once.
func (m Move) Do(ctx context.Context, s remediate.Step, _ remediate.Witness) (remediate.Receipt, error) {
	m.World.pass("do " + s.On.Name)
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return remediate.Receipt{}, remediate.ErrInDoubt
	}
	w := m.World
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.vm.Fails[s.Do]; err != nil {
		return remediate.Receipt{}, err
	}
	if err := w.vm.do(s); err != nil {
		return remediate.Receipt{}, err
	}
	w.done = append(w.done, s.String())
	w.probes["front"] = remediate.Unhealthy
	if w.vm.Alive && !w.vm.Paused && slices.Contains(w.vm.Mends, w.vm.Disk) {
		w.probes["front"] = remediate.Healthy
	}
	return remediate.Receipt{Result: remediate.Done}, nil
}

// do is the act; disks are exchanged only while it is down.
func (vm *Machine) do(s remediate.Step) error {
	switch s.Do {
	case remediate.VerbPowerDown:
		vm.Alive = false
	case remediate.VerbSwap:
		if vm.Alive {
			return fmt.Errorf("cannot exchange the disks: the VM runs")
		}
		vm.Disk = s.Image.Name
		vm.Swaps++
	case remediate.VerbBoot:
		if !vm.Alive {
			vm.Starts++
		}
		vm.Alive = true
	case remediate.VerbCont:
		vm.Paused = false
	}
	return nil
}

// Happened compares the witness with the world.
func (m Move) Happened(_ context.Context, s remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	vm := m.World.VM()
	happened := map[remediate.Verb]bool{
		remediate.VerbPowerDown: !vm.Alive,
		remediate.VerbSwap:      s.Image != nil && vm.Disk == s.Image.Name,
		remediate.VerbBoot:      vm.Alive && strconv.Itoa(vm.Starts) != before["starts"],
	}
	if !happened[s.Do] {
		return remediate.Receipt{}, remediate.ErrNotDone
	}
	return remediate.Receipt{Result: remediate.Done}, nil
}
