package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"nightshift/test/world"
)

// Where things lie inside the world. /var is on the machine's own disk, so a
// sync costs there what it costs; /tmp and /run are memory.
const (
	benchProgram = "/usr/local/bin/bench"
	agentProgram = "/usr/local/bin/nightshift"
	benchDir     = "/var/lib/bench"
	reportFile   = benchDir + "/report.json"
	profileFile  = benchDir + "/bench.cpu"
)

// outside builds both programs as they are shipped, takes them into a world, has
// them measured there, and shows what came of it.
func outside(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "nightshift-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	agent, bench := filepath.Join(dir, "nightshift"), filepath.Join(dir, "bench")
	version := versionOf(ctx)
	if err := build(ctx, agent, "./cmd/agent", "-X main.version="+version); err != nil {
		return err
	}
	if err := build(ctx, bench, "./test/bench", ""); err != nil {
		return err
	}
	report, err := inWorld(ctx, o, agent, bench)
	if err != nil {
		return err
	}
	if o.wants(rollbackFigure) {
		rows, err := rollback(ctx, agent, bench)
		if err != nil {
			return fmt.Errorf("cannot measure %s: %w", rollbackFigure, err)
		}
		report.add(rollbackFigure, rows)
	}
	report.Conditions.Version = version
	if err := report.writeJSON(o.json); err != nil {
		return err
	}
	report.print(os.Stdout)
	return nil
}

// build makes a static program, as `make build` does.
func build(ctx context.Context, to, pkg, more string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w "+more, "-o", to, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// versionOf names what is measured.
func versionOf(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--tags", "--always", "--dirty").Output()
	if err != nil {
		return "devel"
	}
	return string(out[:len(out)-1])
}

// inWorld measures inside a bare world.
func inWorld(ctx context.Context, o options, agent, bench string) (r report, err error) {
	w, err := world.Start(ctx, world.Options{Log: os.Stderr})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.Stop()) }()
	if err := errors.Join(w.CopyIn(agent, agentProgram), w.CopyIn(bench, benchProgram)); err != nil {
		return r, err
	}
	cmd := w.Command(ctx, "root", append([]string{benchProgram, insideRole}, o.args()...)...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("cannot measure: %w", err)
	}
	if o.profile {
		if err := copyFile(w.Path(profileFile), "bin/bench.cpu"); err != nil {
			return r, err
		}
	}
	return readReport(w.Path(reportFile))
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
