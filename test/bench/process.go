package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program of ours that runs: the agent, or a floor.
type process struct {
	cmd   *exec.Cmd
	ready time.Duration // from the start until it said READY=1
	ended chan struct{}
}

// startDeadline bounds a start: a million events take well below a second on an
// idle machine.
const startDeadline = 2 * time.Minute

// launch starts a program and waits until it tells systemd's way that it is ready
// (sd_notify(3)). What it says goes to a file beside its state.
func launch(ctx context.Context, dir string, env []string, argv ...string) (*process, error) {
	said, err := os.OpenFile(filepath.Join(dir, "said"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer said.Close()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	defer os.Remove(filepath.Join(dir, "notify"))
	defer func() { _ = socket.Close() }()
	p := &process{cmd: exec.CommandContext(ctx, argv[0], argv[1:]...), ended: make(chan struct{})}
	p.cmd.Env = append(env, "NOTIFY_SOCKET="+filepath.Join(dir, "notify"))
	p.cmd.Stdout, p.cmd.Stderr = said, said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = p.cmd.Wait(); close(p.ended); _ = socket.Close() }()
	if err := awaitReady(socket); err != nil {
		text, _ := os.ReadFile(said.Name())
		return nil, errors.Join(fmt.Errorf("cannot start %s: %w\n%s", argv[0], err, text), p.kill())
	}
	p.ready = time.Since(began)
	return p, nil
}

func awaitReady(socket *net.UnixConn) error {
	if err := socket.SetReadDeadline(time.Now().Add(startDeadline)); err != nil {
		return err
	}
	message := make([]byte, 256)
	for {
		n, err := socket.Read(message)
		if err != nil {
			return err
		}
		if strings.Contains(string(message[:n]), "READY=1") {
			return nil
		}
	}
}

// stop ends a process in order; kill as a power cut would.
func (p *process) stop() error { return p.end(syscall.SIGTERM) }
func (p *process) kill() error { return p.end(syscall.SIGKILL) }

func (p *process) end(by syscall.Signal) error {
	select {
	case <-p.ended:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(by); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("cannot end %s", p.cmd.Path), p.cmd.Process.Kill())
	}
}

// alive is nil while the process runs.
func (p *process) alive() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s has ended: %s", p.cmd.Path, p.cmd.ProcessState)
	default:
		return nil
	}
}

// resident is the process's resident memory in MiB, and the most that it ever
// was: VmRSS and VmHWM in proc(5).
func (p *process) resident() (now, most float64) {
	return p.kiB("VmRSS") / 1024, p.kiB("VmHWM") / 1024
}

func (p *process) kiB(name string) float64 {
	value, _, _ := strings.Cut(field(p.proc("status"), name), " ")
	kib, _ := strconv.ParseFloat(value, 64)
	return kib
}

// anonymous is what of the resident memory is not a file's, in MiB.
func (p *process) anonymous() float64 { return p.kiB("RssAnon") / 1024 }

func (p *process) proc(file string) string {
	return filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), file)
}

// busy is the CPU time that the process has used, by proc(5)'s stat in ticks of
// 10 ms.
func (p *process) busy() time.Duration {
	text, _ := os.ReadFile(p.proc("stat"))
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest) // the third and on
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// settle waits until a process has done what it was left with: until it uses less
// than a tenth of a CPU.
func (p *process) settle() {
	const look = 200 * time.Millisecond
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		before := p.busy()
		time.Sleep(look)
		if p.busy()-before <= look/10 {
			return
		}
	}
}
