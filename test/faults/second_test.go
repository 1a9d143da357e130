package faults

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"nightshift/remediate"
	"nightshift/test/stage"
)

// exitRefused is the status that the shipped unit names in
// RestartPreventExitStatus=.
const exitRefused = 78

func TestASecondAgentOnTheSameLogIsRefused(t *testing.T) {
	a := on.Begin(t, stage.Option{})
	a.Break(t, stage.WebhookErrors)
	a.Slow(t, stage.Dispatcher)
	a.Send(stage.Alert{Name: stage.WebhookErrorsAlert})
	a.Await("an act to be under way", func() bool { return len(a.Starts(t, stage.Dispatcher)) == 2 })

	second := a.World.Command(t.Context(), "nightshift", "/usr/bin/nightshift", "run")
	second.Env = append(second.Env, "NIGHTSHIFT_CONFIG=/etc/nightshift/nightshift.yaml", "NIGHTSHIFT_MODE=act",
		"NIGHTSHIFT_STATE_DIR=/var/lib/nightshift", "NIGHTSHIFT_LISTEN=127.0.0.1:9897", "NIGHTSHIFT_NATS_LISTEN=127.0.0.1:9898")
	var said bytes.Buffer
	second.Stderr = &said
	err := second.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitRefused {
		t.Errorf("the second agent ended with %v, want status %d: %s", err, exitRefused, said.String())
	}
	if !strings.Contains(said.String(), "another process") && !strings.Contains(said.String(), "has its lock") {
		t.Errorf("the second agent does not say why it ends: %s", said.String())
	}

	a.Quick(t, stage.Dispatcher)
	a.AwaitReason("webhook-errors", remediate.Resolved, remediate.ReasonFixed)
	a.WantStarts(stage.Dispatcher, 1+1)
	a.WantSound()
	if n := a.AgentRestarts(); n != 0 {
		t.Errorf("the first agent was restarted %d times, want it undisturbed", n)
	}
}
