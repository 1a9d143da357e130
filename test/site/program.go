package site

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Build builds the agent into dir, static and without the race detector, as it is
// shipped, and returns its path.
func Build(ctx context.Context, dir string, log io.Writer) (string, error) {
	fmt.Fprintln(log, "site: building the agent")
	begin := time.Now()
	program := filepath.Join(dir, "nightshift")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "nightshift/cmd/agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build the agent: %w\n%s", err, out)
	}
	fmt.Fprintf(log, "site: the agent was built in %.0f s\n", time.Since(begin).Seconds())
	return program, nil
}
