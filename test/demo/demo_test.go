package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nightshift/test/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestTheDemoRepairsAllFour is the demo as `make demo` runs it, with nobody
// watching.
func TestTheDemoRepairsAllFour(t *testing.T) {
	repairsAllFour(t, options{Factor: defaultFactor})
}

// TestTheDemoWaitsForAPerson is the demo with INTERACTIVE=1 and a recent
// Alertmanager. The person types the command that it prints.
func TestTheDemoWaitsForAPerson(t *testing.T) {
	person := &typist{t: t, waits: make(chan string, 1)}
	typed := make(chan struct{})
	go func() {
		defer close(typed)
		person.approve()
	}()
	defer func() { close(person.waits); <-typed }()
	repairsAllFour(t, options{Factor: 2 * defaultFactor, Alertmanager: world.Recent, Interactive: true, Out: person})
}

// typist reads what the demo prints.
type typist struct {
	t     *testing.T
	waits chan string // the command that it is to type
}

func (p *typist) Write(text []byte) (int, error) {
	if line := strings.TrimSpace(string(text)); strings.HasPrefix(line, "/") && strings.Contains(line, "/nightshift --nats ") && strings.Contains(line, " approve ") {
		p.waits <- line
	}
	return len(text), nil
}

func (p *typist) approve() {
	for command := range p.waits {
		argv := append(strings.Fields(command), "--yes")
		if out, err := exec.CommandContext(p.t.Context(), argv[0], argv[1:]...).CombinedOutput(); err != nil {
			p.t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}

// slowBoot is for a machine that runs other tests beside: a boot was seen to take 25 s.
const slowBoot = 40 * time.Second

func repairsAllFour(t *testing.T, o options) {
	var out bytes.Buffer
	if o.Out == nil {
		o.Out = io.Discard
	}
	o.Boots = slowBoot
	o.Out, o.Log = io.MultiWriter(&out, t.Output(), o.Out), t.Output()
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
		`a bad update +rave_vm_down` + took + `reset the guest +not fixed +data last-known-good\n` +
			` +power down and boot +not fixed\n` +
			` +go back to the last known good +fixed\n`,
		`4 of 4 repaired, in \d+ s\n`,
	} {
		if !regexp.MustCompile(row).MatchString(table) {
			t.Errorf("no %s in the table", row)
		}
	}
	for _, well := range []string{"  all 24 healthy\n", "probe  vm-port  healthy"} {
		if n := strings.Count(out.String(), well); n != 2 {
			t.Errorf("%q was said %d times, want before and after", well, n)
		}
	}
	if n := strings.Count(out.String(), "anna said approve"); n != 1 {
		t.Errorf("anna approved %d times, want once", n)
	}
	if !strings.Contains(out.String(), "the counter on the data disk was 7 and is 7") {
		t.Error("the data disk did not stay as it was")
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
