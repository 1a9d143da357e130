package stage

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightshift/remediate/oncall"
)

// AgentUnit is the agent's own unit, as it is shipped.
const AgentUnit = "nightshift.service"

// Where the agent is and what belongs to it, as an installation has it.
const (
	agentAddress    = "127.0.0.1:9797"
	peopleAddress   = "127.0.0.1:9798"
	stateDir        = "/var/lib/nightshift"
	tokenFile       = "/etc/nightshift/webhook.token"
	inventoryFile   = "/etc/nightshift/nightshift.yaml"
	environmentFile = "/etc/nightshift/nightshift.env"
)

// Agent is the agent during one test.
type Agent struct {
	*Stage
	t      *testing.T
	began  time.Time
	people *oncall.Client
}

// Option changes how a test begins.
type Option struct {
	// Inventory is what the agent looks after.
	Inventory Inventory
	// Env are settings of the agent beside the usual, NAME=VALUE.
	Env []string
}

// Begin starts every unit and the agent anew, with nothing remembered of the
// tests before. When the test fails it tells what the agent did.
func (s *Stage) Begin(t *testing.T, o Option) *Agent {
	t.Helper()
	a := s.Prepare(t, o)
	a.StartAgent()
	return a
}

// Prepare is Begin without starting the agent.
func (s *Stage) Prepare(t *testing.T, o Option) *Agent {
	t.Helper()
	a := &Agent{Stage: s, t: t, began: time.Now()}
	s.Stop(t, AgentUnit)
	s.forget(t)
	s.resetUnits(t)
	a.Configure(o)
	t.Cleanup(func() {
		if t.Failed() {
			a.tell(a.began)
		}
		a.disconnect()
	})
	return a
}

// forget removes all that the agent keeps.
func (s *Stage) forget(t *testing.T) {
	t.Helper()
	kept, err := filepath.Glob(s.World.Path(filepath.Join(stateDir, "*")))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(kept, s.World.Path("/etc/nightshift/freeze")) {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
}

// Configure writes the agent's settings and inventory, which hold from its next
// start. An agent that is just being started reads the old ones or the new ones.
func (a *Agent) Configure(o Option) {
	a.t.Helper()
	a.configure(o.Inventory.text(), o.Env)
}

func (a *Agent) configure(inventory string, env []string) {
	a.t.Helper()
	settings := append([]string{
		"NIGHTSHIFT_CONFIG=" + inventoryFile, "NIGHTSHIFT_MODE=act",
		"NIGHTSHIFT_WEBHOOK_TOKEN_FILE=" + tokenFile, "NIGHTSHIFT_LOG_FORMAT=text",
	}, env...)
	for path, text := range map[string]string{
		inventoryFile:   inventory,
		environmentFile: strings.Join(settings, "\n") + "\n",
	} {
		if err := a.World.WriteFile(path+".new", []byte(text), 0o644); err != nil {
			a.t.Fatal(err)
		}
		if err := os.Rename(a.World.Path(path+".new"), a.World.Path(path)); err != nil {
			a.t.Fatal(err)
		}
	}
}

// StartAgent returns when the agent says that it is ready.
func (a *Agent) StartAgent() {
	a.t.Helper()
	a.Start(a.t, AgentUnit)
}

// StartAfresh starts it anew, with nothing remembered.
func (a *Agent) StartAfresh() {
	a.t.Helper()
	a.StopAgent()
	a.forget(a.t)
	a.StartAgent()
}

// StopAgent stops it in order.
func (a *Agent) StopAgent() {
	a.t.Helper()
	a.Stop(a.t, AgentUnit)
}

// Person is an operator's connection of its own, for whoever closes it.
func (a *Agent) Person() (*oncall.Client, error) {
	return oncall.Connect("nats://"+a.Stage.people, "operator", Host, a.World.Path(filepath.Join(stateDir, "operator.nk")))
}

// connect makes the connection by which the test asks.
func (a *Agent) connect() (err error) {
	a.people, err = a.Person()
	return err
}

func (a *Agent) disconnect() {
	if a.people != nil {
		a.people.Close()
		a.people = nil
	}
}

// Get asks a path of the agent.
func (a *Agent) Get(ctx context.Context, path string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+agentAddress+path, nil)
	if err != nil {
		return 0, "", err
	}
	return a.ask(request)
}

// ask sends one request on a connection of its own.
func (a *Agent) ask(request *http.Request) (status int, body string, err error) {
	transport := &http.Transport{DialContext: a.dial, DisableKeepAlives: true}
	answer, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// Metric adds up the series of a metric whose text holds all of parts; 0 if there
// is none.
func (a *Agent) Metric(parts ...string) float64 {
	a.t.Helper()
	_, text, err := a.Get(a.t.Context(), "/metrics")
	if err != nil {
		a.t.Fatal(err)
	}
	var sum float64
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") || !containsAll(line, parts) {
			continue
		}
		var value float64
		fields := strings.Fields(line)
		if _, err := fmt.Sscan(fields[len(fields)-1], &value); err != nil {
			a.t.Fatalf("cannot read the metric %q: %v", line, err)
		}
		sum += value
	}
	return sum
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// AgentRestarts is how often systemd had to bring the agent back since it was
// started.
func (a *Agent) AgentRestarts() int {
	a.t.Helper()
	return int(a.property(a.t, AgentUnit, "NRestarts").(uint32))
}

// AgentRuns reports whether the agent's process is there.
func (a *Agent) AgentRuns() bool {
	a.t.Helper()
	return a.property(a.t, AgentUnit, "MainPID").(uint32) != 0
}

// Said reports whether the agent has written words to its log since the test began.
func (a *Agent) Said(words string) bool {
	a.t.Helper()
	out, err := a.World.Exec(a.t.Context(), "journalctl", "--no-pager", "--output=cat", "--unit="+AgentUnit,
		fmt.Sprintf("--since=@%d", a.began.Unix()))
	if err != nil {
		a.t.Fatal(err)
	}
	return strings.Contains(out, words)
}

// KillAgent is kill -9.
func (a *Agent) KillAgent(ctx context.Context) error { return a.Kill(ctx, AgentUnit) }

// Signal sends a signal, by its name, to a unit's main process.
func (a *Agent) Signal(ctx context.Context, unit, name string) error {
	_, err := a.World.Exec(ctx, "systemctl", "kill", "--kill-who=main", "--signal="+name, unit)
	return err
}

// Nightshift runs the command line as root.
func (a *Agent) Nightshift(args ...string) string {
	a.t.Helper()
	out, err := a.World.Exec(a.t.Context(), append([]string{"/usr/bin/nightshift"}, args...)...)
	if err != nil {
		a.t.Fatal(err)
	}
	return out
}
