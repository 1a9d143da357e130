package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"nightshift/test/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestTheDemoRepairsAllThree is the demo as `make demo` runs it, with nobody
// watching.
func TestTheDemoRepairsAllThree(t *testing.T) {
	repairsAllThree(t, options{Factor: defaultFactor})
}

func TestTheDemoRepairsAllThreeWithARecentAlertmanager(t *testing.T) {
	repairsAllThree(t, options{Factor: 2 * defaultFactor, Alertmanager: world.Recent})
}

func repairsAllThree(t *testing.T, o options) {
	var out bytes.Buffer
	o.Out, o.Log = io.MultiWriter(&out, t.Output()), t.Output()
	if err := run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(out.String(), "What was repaired\n")
	const took = ` +\d+\.\d s +\d+\.\d s +\d+\.\d s +`
	for _, row := range []string{
		`webhook errors +rave_webhook_errors` + took + `restart the dispatcher +fixed +grafana nginx postgresql prometheus\n`,
		`high memory +rave_high_memory_usage` + took + `restart prometheus +not fixed +nginx postgresql webhook-dispatcher\n` +
			` +restart grafana +fixed\n` +
			` +restart nginx +not needed\n`,
		`system down +rave_system_down` + took + `restart what failed +fixed +grafana postgresql prometheus webhook-dispatcher\n` +
			` +restart the whole site +not needed\n`,
		`3 of 3 repaired, in \d+ s\n`,
	} {
		if !regexp.MustCompile(row).MatchString(table) {
			t.Errorf("no %s in the table", row)
		}
	}
	if n := strings.Count(out.String(), "all 15 healthy"); n != 2 {
		t.Errorf("the health check was well %d times, want before and after", n)
	}
}

// TestAnInterruptEndsTheDemo stops it in the midst of an act.
func TestAnInterruptEndsTheDemo(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	out := &trigger{text: "opened by rave_webhook_errors", pull: interrupt}
	err := run(ctx, options{Factor: 2 * defaultFactor, Out: out, Log: t.Output()})
	if !errors.Is(err, errStopped) || status(err) != 130 {
		t.Errorf("got %v and status %d, want a demo that was stopped, 130", err, status(err))
	}
}

// trigger is pulled when a text is written.
type trigger struct {
	text string
	pull func()
}

func (t *trigger) Write(p []byte) (int, error) {
	if strings.Contains(string(p), t.text) {
		t.pull()
	}
	return len(p), nil
}
