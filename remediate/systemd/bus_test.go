package systemd

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"nightshift/remediate"
)

// systemSocket is where the world's own bus listens.
const systemSocket = "/run/dbus/system_bus_socket"

// gate is a socket before the system bus that can be shut and opened, or let
// nothing through: what a bus looks like that dies, comes back, or hangs.
type gate struct {
	t        *testing.T
	path     string
	hang     bool
	listener net.Listener
	passing  sync.WaitGroup

	// deaf makes the connections that come second, which are those for signals,
	// hear nothing more.
	deaf atomic.Bool

	mu    sync.Mutex
	conns []net.Conn
}

func newGate(t *testing.T) *gate {
	g := &gate{t: t, path: filepath.Join(t.TempDir(), "bus")}
	t.Cleanup(g.shut)
	return g
}

func (g *gate) address() string { return "unix:path=" + g.path }

func (g *gate) open() {
	g.t.Helper()
	listener, err := net.Listen("unix", g.path)
	if err != nil {
		g.t.Fatal(err)
	}
	g.listener = listener
	g.passing.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			g.pass(conn)
		}
	})
}

func (g *gate) pass(conn net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns = append(g.conns, conn)
	if g.hang {
		return
	}
	bus, err := net.Dial("unix", systemSocket)
	if err != nil {
		conn.Close()
		return
	}
	g.conns = append(g.conns, bus)
	second := len(g.conns)%4 == 0
	g.passing.Go(func() { _, _ = io.Copy(bus, conn); bus.Close() })
	g.passing.Go(func() { _, _ = io.Copy(ear{conn, func() bool { return second && g.deaf.Load() }}, bus); conn.Close() })
}

// ear is one end of a connection; what is written to it while it is deaf is lost.
type ear struct {
	io.Writer
	deaf func() bool
}

func (e ear) Write(p []byte) (int, error) {
	if e.deaf() {
		return len(p), nil
	}
	return e.Writer.Write(p)
}

// shut ends all that passes, and lets nothing in.
func (g *gate) shut() {
	if g.listener == nil {
		return
	}
	g.listener.Close()
	g.mu.Lock()
	for _, conn := range g.conns {
		conn.Close()
	}
	g.conns = nil
	g.mu.Unlock()
	g.passing.Wait()
	g.listener = nil
}

func TestABusThatIsNotThereAndAppears(t *testing.T) {
	gate, changes := newGate(t), make(chan error, 10)
	bus := reachAt(t, Options{Address: gate.address(), Changed: func(err error) { changes <- err }})
	u, unit := NewUnits(bus, nil), sleeper(t, "ns-appears.service")
	if err := <-changes; !errors.Is(err, ErrUnreachable) || bus.Connected() {
		t.Errorf("without a bus, told %v and connected is %v", err, bus.Connected())
	}
	unreachable(t, u, unit)

	gate.open()
	if err := <-changes; err != nil || !bus.Connected() || bus.Err() != nil {
		t.Errorf("with a bus, told %v and Err is %v", err, bus.Err())
	}
	did(t, u, remediate.VerbRestart, unit, remediate.Done)

	gate.shut()
	if err := <-changes; !errors.Is(err, ErrUnreachable) {
		t.Errorf("when it was lost, told %v", err)
	}
	unreachable(t, u, unit)
	gate.open()
	if err := <-changes; err != nil {
		t.Errorf("when it was back, told %v", err)
	}
	probed(t, u, unit, remediate.Healthy)
	if connected := testutil.ToFloat64(bus.metrics.connected); connected != 1 {
		t.Errorf("the metric says %v", connected)
	}
}

// unreachable asks for everything and expects the same answer each time.
func unreachable(t *testing.T, u *Units, unit string) {
	t.Helper()
	ctx := within(t, patience)
	for verb, action := range u.Actions() {
		_, byFile := action.(limiting) // whose witness needs no bus
		if _, err := action.Witness(ctx, stepOf(verb, unit)); !errors.Is(err, ErrUnreachable) && !byFile {
			t.Errorf("the witness of %s: %v", verb, err)
		}
		if _, err := action.Do(ctx, stepOf(verb, unit), nil); !errors.Is(err, ErrUnreachable) || errors.Is(err, remediate.ErrInDoubt) {
			t.Errorf("%s: %v", verb, err)
		}
		if _, err := action.Happened(ctx, stepOf(verb, unit), nil); !errors.Is(err, remediate.ErrInDoubt) {
			t.Errorf("whether %s happened: %v", verb, err)
		}
	}
	if s, err := u.Situation(ctx, remediate.Unit(unit)); !errors.Is(err, ErrUnreachable) || s.Known || s.Detail == "" {
		t.Errorf("Situation = %+v, %v", s, err)
	}
	if seen := u.See(ctx, remediate.Look{What: remediate.SeeUnit}, remediate.Unit(unit)); seen.Error == "" {
		t.Errorf("See = %+v", seen)
	}
	probed(t, u, unit, remediate.Unknown)
}

func TestAConnectionLostDuringAJobLeavesItInDoubt(t *testing.T) {
	gate := newGate(t)
	gate.open()
	bus := reachAt(t, Options{Address: gate.address()})
	u := NewUnits(bus, nil)
	unit, file := gated(t, "ns-lost.service")
	action, step, before := u.Actions()[remediate.VerbRestart], stepOf(remediate.VerbRestart, unit), witnessOf(t, u, remediate.VerbRestart, unit)
	endings := inBackground(within(t, patience), t, u, remediate.VerbRestart, unit)
	is(t, unit, "ActiveState", "activating")

	gate.shut()
	if got := <-endings; !errors.Is(got.err, remediate.ErrInDoubt) {
		t.Errorf("got %+v", got)
	}
	gate.open()
	touch(t, file)
	eventually(t, "systemd is back", bus.Connected)
	if receipt, err := action.Happened(within(t, patience), step, before); err != nil || receipt.Result != remediate.Done {
		t.Errorf("Happened = %+v, %v", receipt, err)
	}
}

func TestAJobWhoseEndWasNotHeard(t *testing.T) {
	gate := newGate(t)
	gate.open()
	u := NewUnits(reachAt(t, Options{Address: gate.address()}), nil)
	unit, file := gated(t, "ns-unheard.service")
	endings := inBackground(within(t, patience), t, u, remediate.VerbRestart, unit)
	is(t, unit, "ActiveState", "activating")
	gate.deaf.Store(true)
	touch(t, file)
	if got := <-endings; got.err != nil || got.receipt.Result != remediate.Done || got.receipt.Facts[activeKey] != active {
		t.Errorf("got %+v", got)
	}
}

func TestABusThatHangsHoldsNobodyUp(t *testing.T) {
	gate := newGate(t)
	gate.hang = true
	gate.open()
	bus := reachAt(t, Options{Address: gate.address()})
	if err := bus.Err(); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "no answer in 2s") {
		t.Errorf("Err = %v", err)
	}
	probed(t, NewUnits(bus, nil), "ns-hangs.service", remediate.Unknown)
	bus.Close()
}

func TestClosingEndsWhatWaits(t *testing.T) {
	bus := reachAt(t, Options{})
	u := NewUnits(bus, nil)
	unit, _ := gated(t, "ns-closing.service")
	endings := inBackground(within(t, patience), t, u, remediate.VerbStart, unit)
	is(t, unit, "ActiveState", "activating")
	bus.Close()
	if got := <-endings; !errors.Is(got.err, remediate.ErrInDoubt) {
		t.Errorf("got %+v", got)
	}
	if err := bus.Err(); !errors.Is(err, ErrUnreachable) {
		t.Errorf("Err = %v", err)
	}
}

func TestTheRealBusIsRestarted(t *testing.T) {
	changes := make(chan error, 10)
	bus := reachAt(t, Options{Changed: func(err error) { changes <- err }})
	u, unit := NewUnits(bus, nil), sleeper(t, "ns-bus.service")
	if err := <-changes; err != nil {
		t.Fatal(err)
	}
	run(t, "systemctl", "restart", "dbus.service")
	if err := <-changes; err == nil {
		t.Error("the loss was not told")
	}
	if err := <-changes; err != nil {
		t.Errorf("told %v", err)
	}
	did(t, u, remediate.VerbRestart, unit, remediate.Done)
}

// While PID 1 executes itself anew it sends no signals of its own to wait for.
func TestAJobThatEndsWhileSystemdExecutesItselfAnew(t *testing.T) {
	u := reach(t)
	unit, file := gated(t, "ns-reexec.service")
	endings := inBackground(within(t, patience), t, u, remediate.VerbRestart, unit)
	is(t, unit, "ActiveState", "activating")
	run(t, "systemctl", "daemon-reexec")
	touch(t, file)
	if got := <-endings; got.err != nil || got.receipt.Result != remediate.Done {
		t.Errorf("got %+v", got)
	}
}
