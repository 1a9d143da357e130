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

// Programs of others that Debian does not have, or not in a version of today.
const (
	alertmanagerPackage = "github.com/prometheus/alertmanager/cmd/alertmanager"
	amtoolPackage       = "github.com/prometheus/alertmanager/cmd/amtool"
	alertmanagerVersion = "v0.31.1"
	natsPackage         = "github.com/nats-io/natscli/nats"
	natsVersion         = "v0.5.1"
)

// module is the path of the programs that belong to a world.
const module = "nightshift/test/world/"

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

// installPeer installs a Go program of others at a pinned version and returns
// its path; the cache keeps it by that version.
func installPeer(ctx context.Context, c cache, log io.Writer, pkg, version string) (string, error) {
	name := filepath.Base(pkg)
	dir, err := c.once(name+"-"+version, func(partial string) error {
		fmt.Fprintf(log, "world: building %s@%s\n", pkg, version)
		start := time.Now()
		cmd := exec.CommandContext(ctx, "go", "install", "-trimpath", "-ldflags=-s -w", pkg+"@"+version)
		cmd.Dir = "/"
		cmd.Env = append(os.Environ(), "GOBIN="+partial, "CGO_ENABLED=0", "GOFLAGS=")
		if err := runLogged(cmd, log, "is the Go module proxy within reach?"); err != nil {
			return err
		}
		fmt.Fprintf(log, "world: %s built in %s\n", name, time.Since(start).Round(time.Second))
		return nil
	})
	return filepath.Join(dir, name), err
}
