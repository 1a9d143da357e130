// Package world brings up a world of real components to test in: a real
// systemd as the first process of its own namespaces, on a Debian root of its
// own, with a network of its own, on the machine that runs the tests.
//
//	w, err := world.Start(ctx, world.Options{Log: os.Stderr})
//	defer w.Stop()
//	out, err := w.Exec(ctx, "systemctl", "is-active", "dbus")
//
// Nothing is shared with the host but its kernel: not /tmp, /run, /var or
// /etc, whose content a second systemd would tidy away; not the network, so
// ports never collide; not the control groups, of which each world has a
// subtree. Several worlds can run at once. What a world writes goes to a
// copy-on-write layer that is deleted with it.
//
// It needs root, Linux with overlayfs or the room for a copy, and Debian's
// mmdebstrap, which it installs by apt-get where it is missing. The root is
// built once and kept below $XDG_CACHE_HOME/nightshift by the hash of its
// recipe.
//
// A world ends with the process that started it, however that process ends:
// a keeper process outside the world watches a pipe, and takes everything
// down when it closes. Should the keeper be killed too, the kernel kills the
// world, and the next Start of anyone removes what is left.
//
// Package tests that need a systemd and a D-Bus to talk to run inside a world
// as a whole: see Main.
package world

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds. A bare world boots in 0.4 s and a site in 3.5 s on two idle cores;
// a machine that is shared with builds was seen to need three times that.
const (
	bootDeadline = 2 * time.Minute
	stopDeadline = 30 * time.Second
	bootPoll     = 50 * time.Millisecond
	maxFactor    = 50
)

// Host names inside worlds, by which alerts and inventory know them: the
// machine that is RAVE, and the one that has it as a virtual machine.
const (
	Hostname       = "rave-1"
	VMHostHostname = "rave-host"
)

// Services is which services a world has.
type Services int

const (
	// Bare is systemd, D-Bus and polkit, and nothing else.
	Bare Services = iota
	// Site is all of a RAVE site with its monitoring.
	Site
	// VMHost is the machine outside of RAVE: QEMU runs it by the shipped unit,
	// a small guest in its place, and Prometheus and Alertmanager watch it.
	// See [World.VM].
	VMHost
)

// hostname is the name of a world's machine.
func (s Services) hostname() string {
	if s == VMHost {
		return VMHostHostname
	}
	return Hostname
}

// Alertmanager is which Alertmanager a site has.
type Alertmanager int

const (
	// Debian is the 0.25 of Debian 12.
	Debian Alertmanager = iota
	// Recent is v0.31, built from its module.
	Recent
)

// Options say what kind of world to start. The zero value is a bare one.
type Options struct {
	Services     Services
	Alertmanager Alertmanager

	// QEMU gives a bare world QEMU's programs, and the kernel and initramfs of
	// package guest at GuestKernel and GuestInitrd; a VMHost has them anyway.
	QEMU bool

	// Factor divides every duration of Prometheus' and Alertmanager's
	// configuration, 1 to 50; 0 is 1, the site as it ships.
	Factor int

	// Agent is the path of a nightshift program, static, to install and
	// start as its own unit and user; empty for none. Inventory is its
	// configuration file, AgentEnv further settings, NAME=VALUE.
	Agent     string
	Inventory []byte
	AgentEnv  []string

	// Log is where progress is told; nil means nowhere.
	Log io.Writer
}

// World is a running world. Its methods may be used from several goroutines.
type World struct {
	keeper *keeper
	tool   string       // the keeper program, which also enters worlds
	held   string       // the world's root as the host can reach it until it has booted
	pid    atomic.Int64 // the world's systemd, as the host numbers it; 0 before it has booted

	factor    int
	authority *authority // of the site's certificates
	token     string     // of the agent's webhook

	mu       sync.Mutex
	closers  []func() // called by Stop, last first
	stopOnce sync.Once
	stopErr  error
}

// Start builds what is missing, and returns when everything in the world runs:
// when its systemd says "running", with no failed unit. The world lives until
// Stop; ctx bounds the start only.
func Start(ctx context.Context, o Options) (*World, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	if err := requireRoot(); err != nil {
		return nil, err
	}
	if o.QEMU && o.Services == Site {
		return nil, errors.New("cannot give a site QEMU: a site is what runs inside; want Bare or VMHost")
	}
	o.Factor = max(o.Factor, 1)
	if o.Factor > maxFactor {
		return nil, fmt.Errorf("cannot divide time by %d: want 1 to %d, scrapes have to be done between two of them", o.Factor, maxFactor)
	}
	c, err := openCache()
	if err != nil {
		return nil, err
	}
	root, err := rootFor(o).build(ctx, c, o.Log)
	if err != nil {
		return nil, err
	}
	tool, err := buildOwn(ctx, c, "world/keeper")
	if err != nil {
		return nil, err
	}
	w, err := hold(c, tool, root, o)
	if err != nil {
		return nil, err
	}
	if err := w.raise(ctx, c, o); err != nil {
		return nil, errors.Join(err, w.Stop())
	}
	return w, nil
}

// Stop ends the world and everything in it, and removes all that it wrote. It
// is bounded, and may be called more than once.
func (w *World) Stop() error {
	w.stopOnce.Do(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, closer := range slices.Backward(w.closers) {
			closer()
		}
		w.stopErr = w.keeper.release()
	})
	return w.stopErr
}

// onStop has a function called by Stop, before the world ends.
func (w *World) onStop(closer func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closers = append(w.closers, closer)
}

// Token is the bearer token with which Alertmanager posts to the agent.
func (w *World) Token() string { return w.token }

// Path is where the host finds a file of the world. It is good for regular
// files: an absolute symbolic link inside would lead to the host's own file.
func (w *World) Path(path string) string { return filepath.Join(w.root(), path) }

// root is the world's root as the host can reach it.
func (w *World) root() string {
	if pid := w.pid.Load(); pid != 0 {
		return fmt.Sprintf("/proc/%d/root", pid)
	}
	return w.held
}

// WriteFile writes a file of the world, with the directories above it, owned
// by root.
func (w *World) WriteFile(path string, content []byte, mode os.FileMode) error {
	at := w.Path(path)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return fmt.Errorf("cannot write %s in the world: %w", path, err)
	}
	if err := os.WriteFile(at, content, mode); err != nil {
		return fmt.Errorf("cannot write %s in the world: %w", path, err)
	}
	return os.Chmod(at, mode)
}

// hold makes a world up to where its files can be written.
func hold(c cache, tool, root string, o Options) (*World, error) {
	dir, lock, err := claim(c, tool)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // the keeper has it from here on
	k, err := startKeeper(tool, dir, root, o.Services.hostname(), lock)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if _, err := k.expect("root"); err != nil {
		return nil, errors.Join(err, k.release())
	}
	held := fmt.Sprintf("/proc/%d/root%s", k.cmd.Process.Pid, filepath.Join(dir, "root"))
	return &World{keeper: k, tool: tool, held: held, factor: o.Factor}, nil
}

// raise furnishes a held world and boots it.
func (w *World) raise(ctx context.Context, c cache, o Options) error {
	if err := w.furnish(ctx, c, o); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, bootDeadline)
	defer cancel()
	if err := w.boot(); err != nil {
		return err
	}
	if err := w.awaitRunning(ctx); err != nil {
		return err
	}
	switch o.Services {
	case Site:
		return w.AwaitHealthy(ctx)
	case VMHost:
		return w.startVM(ctx)
	}
	return nil
}

// furnish writes the files of the world before anything reads them.
func (w *World) furnish(ctx context.Context, c cache, o Options) error {
	if err := w.identify(o.Services.hostname()); err != nil {
		return err
	}
	if o.withQEMU() {
		if err := w.installGuest(ctx, c, o); err != nil {
			return err
		}
	}
	switch o.Services {
	case Site:
		if err := w.furnishSite(ctx, c, o); err != nil {
			return err
		}
	case VMHost:
		if err := w.furnishVMHost(ctx, o); err != nil {
			return err
		}
	}
	return w.furnishAgent(ctx, o)
}

// identify gives the world a name and an identity of its own. Without a
// machine-id systemd would take this for a first boot, and enable everything.
func (w *World) identify(hostname string) error {
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	files := map[string]string{
		"/etc/machine-id":  hex.EncodeToString(id) + "\n",
		"/etc/hostname":    hostname + "\n",
		"/etc/hosts":       "127.0.0.1 localhost " + hostname + " rave.local\n",
		"/etc/resolv.conf": "",
	}
	for path, text := range files {
		if err := w.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
