package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
)

// slow is an agent that stops when it is let.
type slow struct {
	let chan struct{}
	err error
}

func (s slow) Stop(context.Context) error { <-s.let; return nil }
func (s slow) Err() error                 { return s.err }

func TestASecondSignalEndsItAtOnce(t *testing.T) {
	agent := slow{let: make(chan struct{})}
	defer close(agent.let)
	signals := make(chan os.Signal, 2)
	signals <- syscall.SIGHUP // of which a stopping agent takes no notice
	signals <- syscall.SIGINT
	err := stop(agent, syscall.SIGTERM, signals, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "interrupt came a second time") {
		t.Errorf("got %v", err)
	}
}

func TestAStopTellsWhyTheAgentHadEnded(t *testing.T) {
	agent := slow{let: make(chan struct{}), err: errors.New("the disk is full")}
	close(agent.let)
	err := stop(agent, syscall.SIGTERM, nil, slog.New(slog.DiscardHandler))
	if !errors.Is(err, agent.err) {
		t.Errorf("got %v, want %v", err, agent.err)
	}
}

func TestAnAnswerThatCantBeWrittenIsAFailure(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	var said strings.Builder
	c := &cli{out: &output{w: full}, err: &said}
	if got := c.run(t.Context(), []string{"version"}); got != statusFailed {
		t.Errorf("exit status %d, want %d", got, statusFailed)
	}
	if !strings.Contains(said.String(), "cannot write the answer: write /dev/full: no space left on device") {
		t.Errorf("said %q", said.String())
	}
}
