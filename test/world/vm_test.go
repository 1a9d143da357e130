package world

import (
	"bufio"
	"context"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/test/guest"
)

// vmHost is the one world of this package's tests of virtual machines, started
// by the first of them. Each leaves the machine as it likes: the next one asks
// for the disks that it needs.
var (
	vmHost      *World
	startVMHost = sync.OnceValue(func() (err error) {
		vmHost, err = Start(context.Background(), Options{Services: VMHost, Factor: testFactor, Log: os.Stderr})
		return err
	})
)

// aVM is the machine on a fresh overlay over the first image.
func aVM(t *testing.T) VM {
	t.Helper()
	if err := startVMHost(); err != nil {
		t.Fatal(err)
	}
	w := vmHost
	v := w.VM()
	for _, do := range []func() error{
		func() error { _, err := w.Exec(t.Context(), "systemctl", "stop", VMUnit); return err },
		func() error { return v.overlay(t.Context(), goodDir+"/"+goodFile(FirstImage.Name)) },
		func() error { _, err := w.Exec(t.Context(), "systemctl", "start", VMUnit); return err },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// served waits until the machine serves that image.
func served(t *testing.T, v VM, image string) guest.Served {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := v.AwaitServed(ctx, image)
	if err != nil {
		t.Fatalf("%v\n%s", err, v.Console(t.Context()))
	}
	return s
}

// monitor is a connection to the machine's QEMU.
type monitor struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Scanner
}

func qmp(t *testing.T, v VM) monitor {
	t.Helper()
	var conn net.Conn
	until(t, "QEMU to listen", func() (ok bool) {
		var err error
		conn, err = net.Dial("unix", v.w.Path("/run/rave/qmp.sock"))
		return err == nil
	})
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	m := monitor{t, conn, bufio.NewScanner(conn)}
	m.do("qmp_capabilities")
	return m
}

// do gives a command and returns the status that the answer has, if it has one.
func (m monitor) do(command string) string {
	m.t.Helper()
	if _, err := m.conn.Write([]byte(`{"execute":"` + command + `"}`)); err != nil {
		m.t.Fatal(err)
	}
	for m.in.Scan() {
		var answer struct {
			Return *struct{ Status string }
			Error  any
		}
		if err := json.Unmarshal(m.in.Bytes(), &answer); err != nil || answer.Error != nil {
			m.t.Fatalf("%s: %s (%v)", command, m.in.Bytes(), err)
		}
		if answer.Return != nil {
			return answer.Return.Status
		}
	}
	m.t.Fatalf("QEMU is gone before it answers %s: %v", command, m.in.Err())
	return ""
}

// await asks QEMU until the machine is in that state.
func (m monitor) await(state string) {
	m.t.Helper()
	for late := time.Now().Add(patience); m.do("query-status") != state; time.Sleep(healthPoll) {
		if time.Now().After(late) {
			m.t.Fatalf("the machine is %s, want %s", m.do("query-status"), state)
		}
	}
}

func TestAVMServesAndObeysPowerDown(t *testing.T) {
	v := aVM(t)
	first := served(t, v, FirstImage.Name)
	if first.Boots != 1 || first.Data == nil || first.Epoch != strings.Repeat("0", 26) {
		t.Errorf("the guest shows %+v, want its first boot, a data disk, the epoch of no agent", first)
	}
	counted, err := v.Count(t.Context())
	if err != nil || counted != *first.Data+1 {
		t.Errorf("the counter is %d (%v), want %d", counted, err, *first.Data+1)
	}
	qmp(t, v).do("system_powerdown")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := v.AwaitActive(ctx, "inactive"); err != nil {
		t.Fatal(err)
	}
	if s, err := v.Status(t.Context()); err != nil || s.Result != "success" {
		t.Errorf("the unit ended with %+v (%v), want success", s, err)
	}
	checksOut(t, v)
	if _, err := v.w.Exec(t.Context(), "systemctl", "start", VMUnit); err != nil {
		t.Fatal(err)
	}
	second := served(t, v, FirstImage.Name)
	if second.Boots != 2 || second.Data == nil || *second.Data != counted {
		t.Errorf("after a boot the guest shows %+v, want boot 2 and %d", second, counted)
	}
}

func TestTheMachineComesBackWithItsHost(t *testing.T) {
	v := aVM(t)
	before := served(t, v, FirstImage.Name)
	if err := v.w.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := served(t, v, FirstImage.Name)
	if after.Boots != before.Boots+1 || after.Data == nil || *after.Data != *before.Data {
		t.Errorf("after a reboot of the host the guest shows %+v, before it %+v", after, before)
	}
}

// checksOut wants every image sound, the machine being down.
func checksOut(t *testing.T, v VM) {
	t.Helper()
	status, err := v.CheckImages(t.Context())
	if sound := slices.Collect(maps.Values(status)); err != nil || len(sound) < 3 || slices.Max(sound) != 0 {
		t.Errorf("qemu-img check says %v (%v), want 0 for the overlay, the data and what is kept", status, err)
	}
}

func TestDataOutlivesAnImageAndALossOfPower(t *testing.T) {
	v := aVM(t)
	served(t, v, FirstImage.Name)
	before, err := v.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	current, err := v.Overlay()
	if err != nil {
		t.Fatal(err)
	}
	if status, err := v.CheckImages(t.Context()); err != nil || status[current] != 1 {
		t.Errorf("while QEMU runs the images are %v (%v), want 1 for %s, which can't be checked", status, err, current)
	}
	if err := v.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := v.AwaitActive(t.Context(), "failed"); err != nil {
		t.Fatal(err)
	}
	if err := v.Update(t.Context(), guest.Image{Name: "next-2", Behaviour: guest.Healthy}); err != nil {
		t.Fatal(err)
	}
	if s := served(t, v, "next-2"); s.Boots != 1 || s.Data == nil || *s.Data != before {
		t.Errorf("the next image shows %+v, want its first boot and %d", s, before)
	}
}

func TestBadUpdatesAreBadInTheirWays(t *testing.T) {
	v := aVM(t)
	t.Run("unhealthy", func(t *testing.T) {
		update(t, v, guest.Unhealthy)
		until(t, "an answer of 500", func() bool { _, status, _ := v.Served(t.Context()); return status == 500 })
	})
	t.Run("does not boot", func(t *testing.T) {
		update(t, v, guest.NoBoot)
		qmp(t, v).await("guest-panicked")
	})
	t.Run("crashes", func(t *testing.T) {
		update(t, v, guest.Crash)
		qmp(t, v).await("guest-panicked")
		if said := v.Console(t.Context()); !strings.Contains(said, "bad-crash crashes") {
			t.Errorf("the console says nothing of the crash:\n%s", said)
		}
	})
	t.Run("hangs", func(t *testing.T) {
		update(t, v, guest.Hang)
		until(t, "its console", func() bool { return strings.Contains(v.Console(t.Context()), "image bad-hang, boot 1") })
		m := qmp(t, v)
		m.do("system_powerdown")
		m.await("running")
		if s, status, err := v.Served(t.Context()); err == nil {
			t.Errorf("a guest that hangs answers %d %+v", status, s)
		}
	})
}

func update(t *testing.T, v VM, b guest.Behaviour) {
	t.Helper()
	if err := v.Update(t.Context(), guest.Image{Name: "bad-" + string(b), Behaviour: b}); err != nil {
		t.Fatal(err)
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !done(); time.Sleep(healthPoll) {
		if time.Now().After(late) {
			t.Fatalf("cannot wait longer for %s", what)
		}
	}
}

func TestAMachineThatIsDownIsARealAlert(t *testing.T) {
	v := aVM(t)
	told := receive(t, v.w)
	served(t, v, FirstImage.Name)
	quiet(t, v)
	start := time.Now()
	if err := v.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitSince(t, start, told, "rave_vm_down", "firing", VMHostHostname)
	t.Logf("rave_vm_down was told %s after QEMU was stopped", time.Since(start).Round(time.Millisecond))
	if err := v.Continue(t.Context()); err != nil {
		t.Fatal(err)
	}
	served(t, v, FirstImage.Name)
	awaitSince(t, start, told, "rave_vm_down", "resolved", VMHostHostname)
}

// quiet waits until Prometheus has seen that the machine is up: divided, its two
// minutes are about as long as a boot.
func quiet(t *testing.T, v VM) {
	t.Helper()
	until(t, "Prometheus to see the machine up", func() bool {
		status, text, err := v.ask(t.Context(), http.MethodGet, "http://127.0.0.1:9090/api/v1/alerts")
		return err == nil && status == http.StatusOK && !strings.Contains(string(text), "rave_vm_down")
	})
}

func TestACopyProvesACheckpointBesideTheMachine(t *testing.T) {
	v := aVM(t)
	served(t, v, FirstImage.Name)
	const disk = liveDir + "/proof/system"
	if _, err := v.w.Exec(t.Context(), "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", goodDir+"/"+goodFile(FirstImage.Name), disk); err != nil {
		t.Fatal(err)
	}
	for _, argv := range [][]string{{"chmod", "0660", disk}, {"systemctl", "start", "rave-proof.service"}} {
		if _, err := v.w.Exec(t.Context(), argv...); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the copy to serve", func() bool {
		s, _, err := v.ServedAt(t.Context(), "http://127.0.0.1:3012/")
		return err == nil && s.Image == FirstImage.Name && s.Data == nil
	})
	if _, err := v.w.Exec(t.Context(), "systemctl", "stop", "rave-proof.service"); err != nil {
		t.Error(err)
	}
	if s, status, err := v.Served(t.Context()); err != nil || status != 200 {
		t.Errorf("beside its copy the machine answers %d %+v (%v)", status, s, err)
	}
}
