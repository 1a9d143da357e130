// Package qemutest runs QEMU for tests as systemd would, as far as the actuator can
// tell: a unit is a command, started unless its condition forbids, stopped by SIGTERM
// and then SIGKILL, with an InvocationID that is new at each start.
//
// It differs from systemd in three ways. It dies with the test, so nothing outlives a
// killed agent unless the test keeps the Keeper. A unit has one process and no control
// group. And a job is done when the call returns: nothing is ever queued, unless the
// test says so by [Keeper.Change].
package qemutest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"nightshift/remediate/qemu"
)

var _ qemu.Keeper = (*Keeper)(nil)

// Unit is what a unit file says.
type Unit struct {
	// Command is what is executed, made anew for each start.
	Command func() *exec.Cmd
	// ConditionPathExistsNot is a path; while it exists a start does nothing, and
	// is done.
	ConditionPathExistsNot string
	// Oneshot is what a unit of Type=oneshot does instead.
	Oneshot func(ctx context.Context) error
	// Ready is waited for by a start: the path of a socket that is listened on.
	Ready string
}

// Keeper keeps units.
type Keeper struct {
	mu       sync.Mutex
	units    map[string]Unit
	state    map[string]qemu.UnitState
	stopped  map[string]error // nil: somebody asked for that; else why it can't be told
	running  map[string]*exec.Cmd
	ended    map[string]chan struct{}
	starts   int
	refusing error
}

// New is a keeper whose processes end with the test.
func New(t testing.TB, units map[string]Unit) *Keeper {
	k := &Keeper{units: units, state: map[string]qemu.UnitState{}, stopped: map[string]error{}, running: map[string]*exec.Cmd{}, ended: map[string]chan struct{}{}}
	t.Cleanup(func() {
		for name := range units {
			k.Kill(name)
		}
	})
	return k
}

// Starts is how many times a process was started.
func (k *Keeper) Starts() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.starts
}

// Refuse makes every call fail from now on, as a bus does that is gone; nil ends it.
func (k *Keeper) Refuse(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refusing = err
}

// Change changes what is said of a unit.
func (k *Keeper) Change(unit string, f func(*qemu.UnitState)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.state[unit]
	f(&s)
	k.state[unit] = s
}

// Start executes the unit's command, unless it runs or its condition fails.
func (k *Keeper) Start(ctx context.Context, unit string) error {
	u, err := k.unit(unit)
	if err != nil {
		return err
	}
	if u.ConditionPathExistsNot != "" {
		if _, err := os.Lstat(u.ConditionPathExistsNot); err == nil {
			return nil
		}
	}
	if err := k.execute(unit, u); err != nil {
		return err
	}
	return k.ready(ctx, unit, u)
}

func (k *Keeper) unit(name string) (Unit, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	u, ok := k.units[name]
	if !ok {
		return u, fmt.Errorf("there is no unit %s", name)
	}
	return u, k.refusing
}

func (k *Keeper) execute(name string, u Unit) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.running[name] != nil {
		return nil
	}
	cmd := u.Command()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	k.starts++
	k.running[name] = cmd
	ended := make(chan struct{})
	k.ended[name] = ended
	delete(k.stopped, name)
	k.state[name] = qemu.UnitState{Exists: true, Active: true, MainPID: cmd.Process.Pid, Invocation: "start-" + strconv.Itoa(k.starts)}
	go func() { k.over(name, cmd, cmd.Wait()); close(ended) }()
	return nil
}

// over notes how a process ended.
func (k *Keeper) over(name string, _ *exec.Cmd, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.state[name]
	s.Active, s.MainPID = false, 0
	_, asked := k.stopped[name]
	s.Failed, s.Result = err != nil && !asked, "success"
	if s.Failed {
		s.Result = "exit-code"
	}
	k.state[name] = s
	delete(k.running, name)
}

// ready waits for what a start waits for.
func (k *Keeper) ready(ctx context.Context, name string, u Unit) error {
	for u.Ready != "" {
		if listened(u.Ready) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-k.end(name):
			return errors.New("it ended at once")
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// listened reports whether somebody listens on a socket, which is there a moment before:
// __SO_ACCEPTCON, 0x10000, in /proc/net/unix, proc(5). A try would hold it.
func listened(socket string) bool {
	sockets, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(sockets)) {
		if strings.HasSuffix(line, " "+socket+"\n") && strings.Contains(line, " 00010000 ") {
			return true
		}
	}
	return false
}

func (k *Keeper) end(name string) <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ended[name]
}

// StopAfter is when a stop kills what SIGTERM has not ended.
const StopAfter = 2 * time.Second

// Stop ends a unit's process.
func (k *Keeper) Stop(ctx context.Context, unit string) error {
	if _, err := k.unit(unit); err != nil {
		return err
	}
	k.ByPerson(unit, nil)
	k.Signal(unit, syscall.SIGTERM)
	kill := time.NewTimer(StopAfter)
	defer kill.Stop()
	for ended := k.end(unit); ended != nil; {
		select {
		case <-ended:
			return nil
		case <-kill.C:
			k.Signal(unit, syscall.SIGKILL)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// ByPerson says that somebody asked for a unit to be down, or, with an error, that this
// can't be told.
func (k *Keeper) ByPerson(unit string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stopped[unit] = err
}

// Stopped reports whether somebody asked for a unit to be down.
func (k *Keeper) Stopped(_ context.Context, unit string) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	err, asked := k.stopped[unit]
	return asked && err == nil && !k.state[unit].Active, err
}

// State says how a unit stands.
func (k *Keeper) State(_ context.Context, unit string) (qemu.UnitState, error) {
	if _, err := k.unit(unit); err != nil {
		return qemu.UnitState{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.state[unit]
	s.Exists = true
	return s, nil
}

// Oneshot does what a oneshot unit does.
func (k *Keeper) Oneshot(ctx context.Context, unit string) error {
	u, err := k.unit(unit)
	if err != nil {
		return err
	}
	return u.Oneshot(ctx)
}

// Signal sends a signal to a unit's process, if it has one.
func (k *Keeper) Signal(unit string, sig syscall.Signal) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if cmd := k.running[unit]; cmd != nil {
		_ = cmd.Process.Signal(sig)
	}
}

// Kill ends a unit's process as a power cut would, and waits for that.
func (k *Keeper) Kill(unit string) {
	k.Signal(unit, syscall.SIGKILL)
	if ended := k.end(unit); ended != nil {
		<-ended
	}
}
