package world

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Peer is a Go program of others that Debian does not have, or not in a
// version of today.
type Peer struct{ Package, Version string }

// The peers, at versions that are known to build as modules.
var (
	RecentAlertmanager = Peer{"github.com/prometheus/alertmanager/cmd/alertmanager", "v0.31.1"}
	RecentAmtool       = Peer{"github.com/prometheus/alertmanager/cmd/amtool", "v0.31.1"}
	NATS               = Peer{"github.com/nats-io/natscli/nats", "v0.5.1"}
)

// Install builds the program, static, unless the cache has it, and returns
// its path. The first time takes about a minute each, and is told on log.
func (p Peer) Install(ctx context.Context, log io.Writer) (string, error) {
	c, err := openCache()
	if err != nil {
		return "", err
	}
	name := filepath.Base(p.Package)
	dir, err := c.once(name+"-"+p.Version, func(partial string) error {
		fmt.Fprintf(log, "world: building %s@%s\n", p.Package, p.Version)
		start := time.Now()
		if err := p.build(ctx, partial, log); err != nil {
			return err
		}
		fmt.Fprintf(log, "world: %s built in %s\n", name, time.Since(start).Round(time.Second))
		return nil
	})
	return filepath.Join(dir, name), err
}

// build runs outside of this module, whose go.mod has no say in it.
func (p Peer) build(ctx context.Context, dir string, log io.Writer) error {
	cmd := exec.CommandContext(ctx, "go", "install", "-trimpath", "-ldflags=-s -w", p.Package+"@"+p.Version)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0", "GOFLAGS=")
	return runLogged(cmd, log, "is the Go module proxy within reach?")
}

// module is the path below which the programs lie that belong to a world.
const module = "nightshift/test/"

// buildOwn builds a program of this module into the cache and returns its
// path. The go command sees for itself whether anything changed.
func buildOwn(ctx context.Context, c cache, name string) (string, error) {
	lock, err := c.lock("bin.lock")
	if err != nil {
		return "", err
	}
	defer lock.Close()
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	// Two working trees, two versions: each has its own.
	out := c.path("bin", digest(root), name)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, module+name)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	return out, runLogged(cmd, io.Discard, "does it compile?")
}

// moduleRoot is the directory of this module's go.mod.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	file := strings.TrimSpace(string(out))
	if err != nil || file == "" || file == os.DevNull {
		return "", fmt.Errorf("cannot find this module's directory: run from within it, with the go command in PATH (%v)", err)
	}
	return filepath.Dir(file), nil
}
