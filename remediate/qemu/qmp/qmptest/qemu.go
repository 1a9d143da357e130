package qmptest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is for a QEMU to listen or stop, on a machine that does much else.
const patience = 30 * time.Second

// QEMU is a real one, with a machine that has no guest.
type QEMU struct {
	// Socket is the path of its QMP socket.
	Socket string

	t       testing.TB
	command *exec.Cmd
	said    bytes.Buffer
	ended   bool
}

// Start runs QEMU on a new socket until the test ends: a PC of 32 MiB whose
// processor has not begun (-S), without any device that args do not name.
func Start(t testing.TB, args ...string) *QEMU {
	t.Helper()
	return StartOn(t, NewSocket(t), args...)
}

// StartOn is [Start] on a socket of that path, which a QEMU that was killed may have
// left behind.
func StartOn(t testing.TB, socket string, args ...string) *QEMU {
	t.Helper()
	_ = os.Remove(socket) // so that it is not mistaken for the new one
	q := &QEMU{t: t, Socket: socket}
	q.command = exec.Command(Program(t, "qemu-system-x86_64"), append([]string{
		"-machine", "pc,accel=tcg", "-m", "32", "-S", "-nodefaults", "-no-user-config", "-display", "none",
		"-qmp", "unix:" + socket + ",server=on,wait=off",
	}, args...)...)
	q.command.Stdout, q.command.Stderr = &q.said, &q.said
	if err := q.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Kill)
	q.listens()
	return q
}

// Program is the path of one of QEMU's programs. The test fails without it.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("this test needs %s of a real QEMU: as root, apt-get install --no-install-recommends qemu-system-x86 qemu-utils", name)
	}
	return path
}

// listens waits until the kernel shows the socket as one that accepts: proc(5),
// /proc/net/unix, where __SO_ACCEPTCON is 0x10000. A try would hold it.
func (q *QEMU) listens() {
	q.t.Helper()
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(time.Millisecond) {
		sockets, err := os.ReadFile("/proc/net/unix")
		if err != nil {
			q.t.Fatal(err)
		}
		for line := range strings.Lines(string(sockets)) {
			if strings.HasSuffix(line, " "+q.Socket+"\n") && strings.Contains(line, " 00010000 ") {
				return
			}
		}
		if dead(q.command.Process.Pid) {
			q.Kill()
			q.t.Fatalf("QEMU ended: %s", q.said.String())
		}
	}
	q.Kill()
	q.t.Fatalf("QEMU does not listen after %v: %s", patience, q.said.String())
}

// dead is whether a child has ended and waits to be asked how: proc(5), state Z.
func dead(pid int) bool {
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || bytes.Contains(state, []byte(") Z "))
}

// Stop halts the process (SIGSTOP), and returns once it is.
func (q *QEMU) Stop() {
	q.t.Helper()
	q.signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(q.command.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		q.t.Fatalf("QEMU did not stop: %v, %v", status, err)
	}
}

// Continue lets a process that was stopped go on.
func (q *QEMU) Continue() { q.signal(syscall.SIGCONT) }

func (q *QEMU) signal(s syscall.Signal) {
	q.t.Helper()
	if err := q.command.Process.Signal(s); err != nil {
		q.t.Fatal(err)
	}
}

// Kill ends it as a power cut would, and returns once it is gone.
func (q *QEMU) Kill() {
	if q.ended {
		return
	}
	_ = q.command.Process.Kill() // it may have ended by itself
	q.Wait()
}

// Wait returns once it has ended by itself.
func (q *QEMU) Wait() {
	_ = q.command.Wait() // how is the test's own matter
	q.ended = true
}
