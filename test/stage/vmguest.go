package stage

import (
	"slices"
	"strings"
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/oncall"
)

// inhabited are the disks of a machine with an agent inside, whose state lies on one
// that stays, and how the host's agent hears of it.
var inhabited = strings.NewReplacer("disks: {system: rollback, data: keep}",
	"disks: {system: rollback, data: keep, state: keep}\n    guest: /run/rave/guest.sock\n    wait_for_guest: 1m")

// Inside is the agent inside of a virtual machine.
type Inside struct {
	a *VMAgent
	t *testing.T
}

// StateDir is where the host of a stage finds what its agent keeps.
func (a *Agent) StateDir() string { return a.World.Path(stateDir) }

// BeginInhabited is Begin with an agent inside from the machine's next start on, and
// nobody but the two agents to watch that machine: the one inside looks after what
// the inventory says, and remembers what lies in a directory of this host.
func (h *VMHost) BeginInhabited(t *testing.T, i VMInventory, inside Inventory, state string) (*VMAgent, *Inside) {
	t.Helper()
	a := h.Begin(t, i)
	a.Unwatched()
	undo, err := h.VM.Inhabit(t.Context(), []byte(inside.text()), state)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := undo(); err != nil {
			t.Error(err)
		}
	})
	a.StopAgent()
	h.forget(t) // an alert that came before nobody watched, and would never end
	a.configure(inhabited.Replace(i.text()), nil)
	a.StartAgent()
	return a, &Inside{a, t}
}

// nightshift runs the command line inside, for its JSON.
func (in *Inside) nightshift(answer any, input string, args ...string) error {
	out, err := in.a.VM.Nightshift(in.t.Context(), input, append(args, "--output=json")...)
	if err != nil {
		return err
	}
	return remediate.DecodeJSON([]byte(out), answer)
}

// Ask runs the command line inside, and decodes its JSON.
func (in *Inside) Ask(answer any, args ...string) {
	in.t.Helper()
	if err := in.nightshift(answer, "", args...); err != nil {
		in.t.Fatal(err)
	}
}

// AwaitUp waits until the agent inside answers in another start of the machine than
// the one of that name, and returns this one's name and how the agent is.
func (in *Inside) AwaitUp(not string) (epoch string, status oncall.Status) {
	in.t.Helper()
	in.a.Await("the agent inside to answer", func() bool {
		served, _, err := in.a.VM.Served(in.t.Context())
		if err != nil || served.Epoch == not {
			return false
		}
		epoch, status = served.Epoch, oncall.Status{}
		return in.nightshift(&status, "", "status") == nil
	})
	return epoch, status
}

// Send posts alerts to the agent inside, and wants them accepted.
func (in *Inside) Send(alerts ...Alert) {
	in.t.Helper()
	if err := in.a.VM.Alert(in.t.Context(), Body(0, alerts...)); err != nil {
		in.t.Fatal(err)
	}
}

// Explain asks the agent inside what would become of an alert.
func (in *Inside) Explain(alert Alert) engine.Explanation {
	in.t.Helper()
	var answer []engine.Explanation
	if err := in.nightshift(&answer, Body(0, alert), "explain", "-f", "-"); err != nil {
		in.t.Fatal(err)
	}
	return answer[0]
}

// Stories are those of all incidents inside, the oldest first.
func (in *Inside) Stories() []oncall.Story {
	in.t.Helper()
	var list []oncall.Summary
	in.Ask(&list, "incidents")
	slices.Reverse(list)
	stories := make([]oncall.Story, len(list))
	for n, i := range list {
		in.Ask(&stories[n], "show", string(i.ID))
	}
	return stories
}

// AwaitWaiting waits until the last incident inside waits for that reason, and returns
// the stories of all.
func (in *Inside) AwaitWaiting(reason remediate.Reason) (stories []oncall.Story) {
	in.t.Helper()
	in.a.Await("the agent inside to wait because of "+string(reason), func() bool {
		stories = in.Stories()
		last := stories[len(stories)-1].Incident
		return last.State == remediate.Waiting && reasonOf(last) == reason
	})
	return stories
}
