package qemu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"nightshift/remediate/qemu/qmp"
)

// PowerButton is that of a QEMU whose unit is being stopped: by a person, or because the
// host goes down. Without it that is a power cut for the guest. It is pressed from the
// unit's own ExecStop=, and needs neither the agent nor an inventory.
type PowerButton struct {
	// Monitor is the path of a QMP socket that nobody else uses.
	Monitor string
	// PID is QEMU's; 0 says that it has ended.
	PID int
	// Within is what the guest has to shut down.
	Within time.Duration
	// HungFor is when a QEMU is killed that answers nothing; [DefaultHungFor] if 0.
	HungFor time.Duration
}

// DefaultHungFor is less than the 30 s that the shipped unit gave a QEMU before it had
// ExecStop=: by the loop in which it answers nobody it hears no SIGTERM either, so that
// systemd, which waits for TimeoutStopSec= once more, would only take longer.
const DefaultHungFor = 25 * time.Second

// Press presses the button until QEMU has ended. An error says why the guest was not
// shut down; QEMU is then left to whoever stops it.
func (b PowerButton) Press(ctx context.Context) error {
	qemu, err := openHandle(b.PID)
	if err != nil || qemu == nil {
		return err
	}
	defer qemu.close()
	// One that was halted (SIGSTOP) goes on, as when systemd sends SIGTERM.
	if err := qemu.signal(unix.SIGCONT); err != nil {
		return err
	}
	p := pressing{
		client: qmp.New(qmp.Options{Socket: b.Monitor, Timeout: askTimeout, Greeting: askTimeout}),
		qemu:   qemu, hungFor: cmp.Or(b.HungFor, DefaultHungFor), heard: time.Now(),
	}
	defer p.client.Close()
	if !wait(ctx, b.Within, p.over) {
		return fmt.Errorf("cannot shut the guest down: it has not done so within %s", b.Within)
	}
	if p.why != nil {
		return fmt.Errorf("cannot shut the guest down: %w", p.why)
	}
	return nil
}

// pressing is a button that is pressed.
type pressing struct {
	client  *qmp.Client
	qemu    *handle
	hungFor time.Duration

	looks    int
	answered bool
	heard    time.Time // when it answered last, or was first asked
	why      error     // why there is no use in waiting longer
}

// over looks once, and reports whether there is nothing more to wait for.
func (p *pressing) over(ctx context.Context) bool {
	look := p.looks
	p.looks++
	if p.qemu.gone() {
		return true
	}
	if look%int(askEvery/stepEvery) != 0 {
		return false
	}
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	s, err := p.client.Status(asking)
	if err != nil {
		return p.silent(err)
	}
	p.answered, p.heard = true, time.Now()
	if !s.Running {
		p.why = deaf(s)
		return true
	}
	if look%int(pressEvery/stepEvery) == 0 {
		_ = p.client.PowerDown(asking) // what came of it shows
	}
	return false
}

// deaf says why a guest hears no button; one that has shut down need not.
func deaf(s qmp.Status) error {
	if s.State == qmp.Shutdown {
		return nil
	}
	return fmt.Errorf("it is %s", s.State)
}

// silent judges a QEMU that does not answer. One that closes its socket is on its way out.
func (p *pressing) silent(err error) (over bool) {
	silence := time.Since(p.heard)
	switch {
	case p.qemu.gone():
		return true
	case errors.Is(err, qmp.ErrGone) && !p.answered && silence >= askTimeout: // it was started without that monitor
		p.why = err
	case silence >= p.hungFor:
		p.why = errors.Join(fmt.Errorf("its QEMU has not answered for %s and is killed: %w", p.hungFor, err), p.qemu.signal(unix.SIGKILL))
	}
	return p.why != nil
}
