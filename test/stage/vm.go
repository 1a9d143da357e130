package stage

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
	"nightshift/test/world"
)

// VMHost is a second world, with the same agent, whose machine runs RAVE under QEMU:
// a Prometheus and an Alertmanager outside of the guest watch it by the shipped rules
// and route, their durations divided by [vmFactor].
type VMHost struct {
	*Stage
	VM world.VM
}

// vmFactor makes two minutes of being down eight seconds: a machine that is shared with
// builds can keep a healthy guest from answering for half as long.
const vmFactor = 15

// VMDownAlert is what Prometheus says of a machine that does not answer.
const VMDownAlert = "rave_vm_down"

// VMHost starts that world when it is first asked for; it ends with the stage.
func (s *Stage) VMHost(t *testing.T) *VMHost {
	t.Helper()
	if s.vmHost == nil {
		ctx, cancel := context.WithTimeout(t.Context(), raiseWithin)
		defer cancel()
		h, err := s.raiseVMHost(ctx)
		if err != nil {
			t.Fatal(err)
		}
		s.vmHost = h
	}
	return s.vmHost
}

func (s *Stage) raiseVMHost(ctx context.Context) (*VMHost, error) {
	w, err := world.Start(ctx, world.Options{
		Services: world.VMHost, Factor: vmFactor, Agent: s.program, Inventory: []byte(VMInventory{}.text()), Log: os.Stderr,
	})
	if err != nil {
		return nil, err
	}
	s.lowered = append(s.lowered, w.Stop)
	h := &VMHost{Stage: &Stage{World: w}, VM: w.VM()}
	if err := h.Reconnect(); err != nil {
		return nil, err
	}
	if h.people, err = w.Forward(peopleAddress); err != nil {
		return nil, err
	}
	return h, h.countStarts(ctx)
}

// Reconnect reaches the world's D-Bus anew, after a reboot of the world.
func (h *VMHost) Reconnect() (err error) {
	h.disconnectBus()
	h.bus, err = connect(h.World)
	return err
}

// VMInventory is what differs between the inventories of tests with a virtual
// machine; the zero one asks a person before it resets the machine or goes back.
type VMInventory struct {
	// Auto is the greatest risk without a person: restart if empty.
	Auto string
	// BootsWithin bounds a boot; it is as long until a bad image counts as bad.
	BootsWithin string
	// AnswersWithin bounds a probe of the guest: what runs before a guest that does
	// not answer waits so long, too.
	AnswersWithin string
	// PowerDownWithin is how long a guest has to shut down.
	PowerDownWithin string
	// Deadline is that of every playbook, 10 minutes if empty.
	Deadline string
	// Asked is whether only what people ask for is done, whatever Prometheus says.
	Asked bool
	// More are lines of the file's own mapping: sources.
	More []string
}

// Figures of a test with a virtual machine. It boots in 3 s on an idle machine.
const (
	vmBoots     = "15s"
	vmAnswers   = "2s"
	vmPowerDown = "3s"
	// vmPlaybook has what is verified verified within seconds.
	vmPlaybook = "  - {name: %s, deadline: %s, keep_level: true, verify: {settle: 100ms, window: 1500ms, every: 250ms}, attempts: {max: 100, per: 1h, cooldown: 1ms}}\n"
)

// vmPlaybooks are those of virtual machines; only the first is for an alert.
var vmPlaybooks = []string{"vm-down", "vm-rollback", "vm-undo", "vm-deploy", "vm-checkpoint", "vm-promote", "vm-verify"}

func (i VMInventory) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, `host: {name: %s, alerts: ['instance="%s"', 'host="%s"']}
probes:
  vm-port: {http: "http://127.0.0.1:3002/", expect: 200, timeout: %s}
  proof-port: {http: "http://127.0.0.1:3012/", expect: 200}
vms:
  rave:
    unit: rave-vm.service
    qmp: /run/rave/qmp.sock
    images: /var/lib/rave
    disks: {system: rollback, data: keep}
    healthy: [vm-port]
    boots_within: %s
    power_down_within: %s
    proof: {unit: rave-proof.service, qmp: /run/rave-proof/qmp.sock, healthy: [proof-port]}
    deploys_from: [/var/lib/rave/incoming]
    auto: %s
    keep_aside: {count: 100}
playbooks:
`, Host, world.VMHostHostname, Host, cmp.Or(i.AnswersWithin, vmAnswers), cmp.Or(i.BootsWithin, vmBoots), cmp.Or(i.PowerDownWithin, vmPowerDown), cmp.Or(i.Auto, "restart"))
	for _, name := range vmPlaybooks {
		if i.Asked && name == vmPlaybooks[0] {
			continue
		}
		fmt.Fprintf(&b, vmPlaybook, name, cmp.Or(i.Deadline, "10m"))
	}
	b.WriteString(unbounded)
	for _, line := range i.More {
		fmt.Fprintln(&b, line)
	}
	return b.String()
}

// VMAgent is the agent of a machine with QEMU during one test.
type VMAgent struct {
	*Agent
	Host *VMHost
	VM   world.VM
}

// Begin starts the virtual machine on the first image, and the agent anew once
// no alert says that it is down, with nothing remembered of the tests before.
func (h *VMHost) Begin(t *testing.T, i VMInventory) *VMAgent {
	t.Helper()
	a := &VMAgent{&Agent{Stage: h.Stage, t: t, began: time.Now()}, h, h.VM}
	h.Stop(t, AgentUnit)
	h.forget(t)
	if err := h.VM.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.configure(i.text(), nil)
	t.Cleanup(func() {
		if t.Failed() {
			a.tell(a.began)
			t.Logf("the console says:\n%s", h.VM.Console(context.WithoutCancel(t.Context())))
		}
		a.disconnect()
	})
	a.AwaitServed(world.FirstImage.Name)
	a.Await("Prometheus and Alertmanager to see the machine up", a.calm)
	h.Restart(t, "prometheus-alertmanager.service") // what it still tries to tell, of the tests before
	a.Await("Alertmanager to be back", a.calm)
	a.StartAgent()
	return a
}

// AwaitServed waits until the guest serves that image, and returns the counter of
// the disk that stays.
func (a *VMAgent) AwaitServed(image string) (count uint64) {
	a.t.Helper()
	a.Await("the guest to serve "+image, func() bool {
		s, status, err := a.VM.Served(a.t.Context())
		ok := err == nil && status == http.StatusOK && s.Image == image && s.Data != nil
		if ok {
			count = *s.Data
		}
		return ok
	})
	return count
}

// calm reports whether neither Prometheus nor Alertmanager takes the machine to be
// down. That the agent is, they may say: it is not started yet.
func (a *VMAgent) calm() bool {
	for _, url := range []string{"http://127.0.0.1:9090/api/v1/alerts", "http://127.0.0.1:9093/api/v2/alerts"} {
		answer, err := a.World.HTTPClient().Get(url)
		if err != nil {
			return false
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || bytes.Contains(text, []byte(VMDownAlert)) {
			return false
		}
	}
	return true
}

// Order starts what a person orders, and returns its incident.
func (a *VMAgent) Order(o oncall.Order) remediate.ID {
	a.t.Helper()
	o.Target = remediate.VM("rave")
	var reply oncall.Reply
	a.speak(func(ctx context.Context) (err error) {
		reply, err = a.people.Do(ctx, oncall.Start, oncall.Request{Order: &o})
		return err
	})
	return reply.Incident.ID
}

// AwaitState waits until an incident is in that state, or over, and returns its
// story.
func (a *VMAgent) AwaitState(id remediate.ID, want remediate.State) (story oncall.Story) {
	a.t.Helper()
	a.Await(fmt.Sprintf("incident %s to be %s", id, want), func() bool {
		story = a.Story(id)
		state := story.Incident.State
		return state == want || !state.Live() || state == remediate.Escalated
	})
	return story
}

// AwaitHeld waits until a rung of that name waits for a person.
func (a *VMAgent) AwaitHeld(id remediate.ID, rung string) oncall.Story {
	a.t.Helper()
	var story oncall.Story
	a.Await(fmt.Sprintf("incident %s to be held before %q", id, rung), func() bool {
		story = a.Story(id)
		if state := story.Incident.State; !state.Live() || state == remediate.Escalated {
			a.t.Fatalf("incident %s is %s, want it held before %q", id, state, rung)
		}
		return story.Incident.State == remediate.Held && story.Incident.Plan.Rungs[story.Incident.Rung].Name == rung
	})
	return story
}

// Approve says yes to what is held, by the command line, as the operator does.
func (a *VMAgent) Approve(id remediate.ID) {
	a.t.Helper()
	a.Nightshift("approve", "--yes", string(id))
}

// ApprovesAll says yes whenever the incident is held, until the agent is done with it.
func (a *VMAgent) ApprovesAll(id remediate.ID) {
	a.t.Helper()
	a.Await(fmt.Sprintf("incident %s to need no more approvals", id), func() bool {
		state := a.Story(id).Incident.State
		if state == remediate.Held {
			a.Approve(id)
		}
		return !state.Live() || state == remediate.Escalated
	})
}

// AwaitOpened waits until an alert has opened an incident of the playbook, and
// returns its name.
func (a *VMAgent) AwaitOpened(playbook string) (id remediate.ID) {
	a.t.Helper()
	a.Await("an incident of "+playbook, func() bool {
		for _, i := range a.Incidents() {
			if i.Playbook == playbook && i.State.Live() {
				id = i.ID
			}
		}
		return id != ""
	})
	return id
}

// monitoring are the units that watch the machine from outside.
var monitoring = []string{"prometheus.service", "prometheus-alertmanager.service", "prometheus-blackbox-exporter.service"}

// Unwatched has nobody watch the machine until the test ends, so that what is done
// to it is no alert.
func (a *VMAgent) Unwatched() {
	a.t.Helper()
	systemctl := func(verb string) {
		argv := append([]string{"systemctl", verb, "--now", "--quiet"}, monitoring...)
		if _, err := a.World.Exec(context.WithoutCancel(a.t.Context()), argv...); err != nil {
			a.t.Fatal(err)
		}
	}
	systemctl("disable")
	a.t.Cleanup(func() { systemctl("enable") })
}

// Pause has the guest stand still, as a person does at QEMU's monitor.
func (a *VMAgent) Pause() {
	a.t.Helper()
	monitor, err := net.Dial("unix", a.World.Path("/run/rave/qmp.sock"))
	if err != nil {
		a.t.Fatal(err)
	}
	defer monitor.Close()
	if err := monitor.SetDeadline(time.Now().Add(awaitWithin)); err != nil {
		a.t.Fatal(err)
	}
	if _, err := io.WriteString(monitor, `{"execute":"qmp_capabilities"}{"execute":"stop"}`); err != nil {
		a.t.Fatal(err)
	}
	for lines := bufio.NewScanner(monitor); lines.Scan(); {
		if bytes.Contains(lines.Bytes(), []byte(`"event": "STOP"`)) {
			return
		}
	}
	a.t.Fatal("cannot pause the guest: QEMU hung up")
}
