package world

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"nightshift/test/guest"
)

// VM is the virtual machine of a VMHost world.
type VM struct{ w *World }

// VM is the world's virtual machine; only a VMHost has one.
func (w *World) VM() VM { return VM{w} }

// The virtual machine's unit, where it serves, and where its copy does in which a
// checkpoint is proved.
const (
	VMUnit        = "rave-vm.service"
	VMEndpoint    = "http://127.0.0.1:3002/"
	ProofEndpoint = "http://127.0.0.1:3012/"
)

// How long one question to the guest may take: QEMU takes every connection to a
// forwarded port, and a guest that hangs or has not booted leaves it at that. A
// guest that boots is asked anew before QEMU has it tried again.
const (
	servedWithin = 2 * time.Second
	bootedWithin = 250 * time.Millisecond
)

// Served is what the guest shows now, and the status with which it does.
func (v VM) Served(ctx context.Context) (guest.Served, int, error) {
	return v.ServedAt(ctx, VMEndpoint)
}

// ServedAt is Served at another forwarded port: the copy's, for example, that
// proves a checkpoint.
func (v VM) ServedAt(ctx context.Context, url string) (s guest.Served, status int, err error) {
	status, text, err := v.ask(ctx, http.MethodGet, url)
	if err != nil {
		return s, 0, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, status, fmt.Errorf("cannot understand the guest's answer %q: %w", text, err)
	}
	return s, status, nil
}

// AwaitServed waits until the guest shows that image with status 200.
func (v VM) AwaitServed(ctx context.Context, image string) (s guest.Served, err error) {
	err = v.w.until(ctx, "the guest to serve "+image, func() (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, bootedWithin)
		defer cancel()
		found, status, _ := v.Served(ctx) // an error is how it is until it has booted
		s = found
		return status == http.StatusOK && s.Image == image, nil
	})
	return s, err
}

// Count adds one to the counter on the guest's data disk, durably, and returns
// it.
func (v VM) Count(ctx context.Context) (n uint64, err error) {
	text, err := v.order(ctx, "count")
	if err == nil {
		_, err = fmt.Sscan(text, &n)
	}
	return n, err
}

// Break breaks the guest from within until it boots again: one of guest.Breaks.
func (v VM) Break(ctx context.Context, how string) error {
	_, err := v.order(ctx, "break/"+how)
	return err
}

func (v VM) order(ctx context.Context, path string) (string, error) {
	status, text, err := v.ask(ctx, http.MethodPost, VMEndpoint+path)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("cannot have the guest do %s: it answers %d: %s", path, status, text)
	}
	return string(text), err
}

func (v VM) ask(ctx context.Context, method, url string) (status int, text []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, servedWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return 0, nil, err
	}
	response, err := v.w.HTTPClient().Do(request)
	if err != nil {
		return 0, nil, err
	}
	text, err = io.ReadAll(io.LimitReader(response.Body, 1<<16))
	return response.StatusCode, text, errors.Join(err, response.Body.Close())
}

// Status is how the virtual machine's unit stands.
type Status struct {
	Active string // ActiveState: active, inactive, failed …
	PID    string // of QEMU, as the world numbers it; "0" for none
	Result string // how it last ended
}

// Status reads how the virtual machine's unit stands.
func (v VM) Status(ctx context.Context) (Status, error) {
	p, err := v.w.Properties(ctx, VMUnit, "ActiveState", "MainPID", "Result")
	return Status{p["ActiveState"], p["MainPID"], p["Result"]}, err
}

// Kill kills QEMU, as losing power would the machine. Stop has it stand still,
// hung and silent, until Continue.
func (v VM) Kill(ctx context.Context) error { return v.signal(ctx, "KILL") }

// Stop stops QEMU's process; see Kill.
func (v VM) Stop(ctx context.Context) error { return v.signal(ctx, "STOP") }

// Continue lets a stopped QEMU go on.
func (v VM) Continue(ctx context.Context) error { return v.signal(ctx, "CONT") }

func (v VM) signal(ctx context.Context, name string) error {
	s, err := v.Status(ctx)
	if err != nil {
		return err
	}
	if s.PID == "0" {
		return fmt.Errorf("cannot send QEMU %s: it does not run (%s)", name, s.Active)
	}
	_, err = v.w.Exec(ctx, "kill", "-"+name, s.PID)
	return err
}

// AwaitActive waits until the unit is in that state: active, inactive, failed.
func (v VM) AwaitActive(ctx context.Context, want string) error {
	return v.w.until(ctx, VMUnit+" to be "+want, func() (bool, error) {
		s, err := v.Status(ctx)
		return err == nil && s.Active == want, err
	})
}

// Console is the last of what the guest wrote on its serial console.
func (v VM) Console(ctx context.Context) string {
	out, err := v.w.Exec(ctx, "tail", "--bytes=4096", liveDir+"/console.log")
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(out, "\r", "")
}
