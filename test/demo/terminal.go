package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"nightshift/remediate"
	"nightshift/test/site"
)

// onCall is who may approve a rollback in the demo.
const onCall = "anna"

// terminal is a person's, on another machine than the agents': it has the program,
// their key, and the way to rave-host's agent by NATS.
type terminal struct {
	program, key, url string
	person            site.Person
}

// openTerminal has the person make their key, beside the program. Only its public half
// goes to the agents.
func openTerminal(ctx context.Context, program string) (*terminal, error) {
	t := &terminal{program: program, key: filepath.Join(filepath.Dir(program), onCall+".nk")}
	public, err := exec.CommandContext(ctx, program, "user", "key", onCall, "--file", t.key).Output()
	if err != nil {
		return nil, fmt.Errorf("cannot make a key for %s: %w", onCall, err)
	}
	t.person = site.Person{Name: onCall, Key: strings.TrimSpace(string(public)), Approves: remediate.Rollback}
	return t, nil
}

// command is what the person types there.
func (t *terminal) command(arguments ...string) []string {
	return append([]string{t.program, "--nats", t.url, "--nkey", t.key}, arguments...)
}

// run runs it, and returns all that the person would see.
func (t *terminal) run(ctx context.Context, command []string) (string, error) {
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	return string(out), err
}
