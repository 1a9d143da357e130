package qemu_test

import (
	"os/exec"
	"syscall"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/qemu"
	"nightshift/remediate/qemu/qmp/qmptest"
)

// button is that of the site's QEMU, by the monitor that the agent has not.
func (s *site) button(within time.Duration) qemu.PowerButton {
	s.t.Helper()
	state, err := s.keeper.State(s.ctx(), unit)
	s.must(err)
	return qemu.PowerButton{Monitor: s.path("live.watch"), PID: state.MainPID, Within: within}
}

// TestAButtonIsPressedForAsLongAsTheGuestHas: what runs here is a machine without a
// guest, which takes no notice of it.
func TestAButtonIsPressedForAsLongAsTheGuestHas(t *testing.T) {
	s := newSite(t)
	s.start()
	s.do(remediate.VerbCont, nil)
	wantError(t, s.button(500*time.Millisecond).Press(s.ctx()), "it has not done so within 500ms")
	if state, _ := s.keeper.State(s.ctx(), unit); !state.Active {
		t.Error("its QEMU was ended: that is its unit's to do")
	}
}

func TestAButtonIsPressedUntilQEMUHasEnded(t *testing.T) {
	s := newSite(t)
	s.start()
	s.do(remediate.VerbCont, nil)
	b, pressed := s.button(patience), make(chan error, 1)
	go func() { pressed <- b.Press(s.ctx()) }()
	s.keeper.Kill(unit)
	s.must(<-pressed)
	s.must(b.Press(s.ctx())) // of one that has ended
	b.PID = 0
	s.must(b.Press(s.ctx()))
}

// TestAGuestThatHearsNoButtonIsNotWaitedFor: each returns long before its time is over.
func TestAGuestThatHearsNoButtonIsNotWaitedFor(t *testing.T) {
	s := newSite(t)
	s.start()
	wantError(t, s.button(patience).Press(s.ctx()), "it is prelaunch")
	other := s.button(patience)
	other.Monitor = s.path("none")
	wantError(t, other.Press(s.ctx()), "none", "no such file")
	s.keeper.Signal(unit, syscall.SIGSTOP)
	wantError(t, s.button(patience).Press(s.ctx()), "it is prelaunch") // it goes on, and says so
}

// TestAQEMUThatHangsIsKilled before systemd would have done so: its socket is there, and
// nobody greets.
func TestAQEMUThatHangsIsKilled(t *testing.T) {
	hung := exec.Command("sleep", "infinity")
	if err := hung.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- hung.Wait() }()
	silent := qmptest.Serve(t, func(s *qmptest.Session) { s.Gone() })
	b := qemu.PowerButton{Monitor: silent.Socket, PID: hung.Process.Pid, Within: patience, HungFor: time.Millisecond}
	wantError(t, b.Press(t.Context()), "has not answered for 1ms and is killed")
	if err := <-ended; hung.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %v", err)
	}
}
