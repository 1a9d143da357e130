package agent

import (
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
	"nightshift/remediate/qemu/link"
	"nightshift/remediate/systemd"
)

// host are the settings of an agent on a machine that runs a VM, which nobody started
// and which has no disks.
func host(t *testing.T) Settings {
	t.Helper()
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/nothing")
	s := settings(t)
	dir := t.TempDir()
	s.Config = filepath.Join(dir, "site.yaml")
	text := `host: {name: h1, alerts: ['job="x"']}
probes: {port: {tcp: "127.0.0.1:1"}}
vms:
  rave: {unit: rave-vm.service, qmp: DIR/qmp.sock, images: DIR/images, disks: {system: rollback, data: keep}, healthy: [port], guest: DIR/guest.sock}
playbooks:
  - {name: vm-down}
  - {name: vm-deploy, verify: {window: 10s}}
`
	if err := os.WriteFile(s.Config, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnAgentLooksAfterVMs(t *testing.T) {
	a := start(t, host(t))
	c := operator(t, a)
	var vms []oncall.VM
	if err := c.Ask(t.Context(), oncall.AskVMs, nil, &vms); err != nil {
		t.Fatal(err)
	}
	if len(vms) != 1 || vms[0].Name != "rave" || vms[0].Unit != "rave-vm.service" || len(vms[0].Disks) != 2 || !vms[0].Disks[0].Keep || vms[0].Lacks == "" {
		t.Errorf("%+v", vms)
	}
	if lacks := a.degraded(t.Context()); lacks["vm:rave"] == "" {
		t.Errorf("degraded = %v, want it to say that QEMU can't be asked", lacks)
	}
	if s := a.world.Situation(t.Context(), remediate.VM("rave")); s.Known || s.Detail == "" {
		t.Errorf("without systemd it stands as %+v", s)
	}
}

func TestWhatPeopleOrderIsAnIncidentOrRefused(t *testing.T) {
	a := start(t, host(t))
	c := operator(t, a)
	rave := remediate.VM("rave")
	reply, err := c.Do(t.Context(), oncall.Start, oncall.Request{Order: &oncall.Order{Playbook: "vm-rollback", Target: rave, Comment: "slow"}})
	if err != nil {
		t.Fatal(err)
	}
	got := incidents(t, c, func(s oncall.Summary) bool { return s.ID == reply.Incident.ID && !s.State.Live() })
	if got.State != remediate.Closed || got.Reason != remediate.ReasonNoPlan || got.AskedBy != operatorUser {
		t.Errorf("%+v, want it closed: there is nothing to go back to", got)
	}
	for _, wrong := range []oncall.Order{
		{Playbook: "vm-down", Target: remediate.VM("other")}, {Playbook: "vm-rollback", Target: remediate.VM("other")},
		{Playbook: "vm-checkpoint", Target: rave}, {Playbook: "vm-promote", Target: rave}, {Playbook: "vm-deploy", Target: rave},
		{Playbook: "vm-deploy", Target: rave, Image: "image.qcow2"}, {Playbook: "vm-deploy", Target: rave, Image: "/a/../b"},
		{Playbook: "vm-rollback", Target: rave, Image: "/a"}, {Playbook: "vm-undo", Target: rave, Checkpoint: "a"},
		{Playbook: "vm-rollback", Target: rave, Checkpoint: "a\x1b[2J"}, {Playbook: "vm-rollback", Target: rave, Checkpoint: strings.Repeat("a", 256)},
	} {
		if _, err := c.Do(t.Context(), oncall.Start, oncall.Request{Order: &wrong}); err == nil || !strings.HasPrefix(err.Error(), "cannot ") {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

func TestWhatAnOrderWouldDoNeedsNoAgent(t *testing.T) {
	text, err := ForeseeOffline(t.Context(), host(t), oncall.Order{Playbook: "vm-undo", Target: remediate.VM("rave")})
	if err != nil || !strings.Contains(string(text), `"playbook":"vm-undo"`) || !strings.Contains(string(text), `"problem":`) {
		t.Errorf("%s %v", text, err)
	}
}

// TestWhatIsAskedForHasAName holds each way of asking to the images that a plan finds.
func TestWhatIsAskedForHasAName(t *testing.T) {
	good := remediate.Image{Name: "good", Digest: "d1"}
	monday := remediate.Image{Name: "monday", Digest: "d2"}
	for name, c := range map[string]struct {
		asked remediate.Asked
		found map[remediate.Source]remediate.Image
		want  map[remediate.Source]string
	}{
		"nothing is the last known good": {remediate.Asked{}, map[remediate.Source]remediate.Image{remediate.LastKnownGood: good},
			map[remediate.Source]string{remediate.LastKnownGood: "good", remediate.WasAsked: "good"}},
		"nothing, and there is none": {remediate.Asked{}, nil, map[remediate.Source]string{}},
		"a checkpoint that there is": {remediate.Asked{Checkpoint: "monday"}, map[remediate.Source]remediate.Image{remediate.WasAsked: monday},
			map[remediate.Source]string{remediate.WasAsked: "monday"}},
		"one that is to be made": {remediate.Asked{Checkpoint: "new"}, map[remediate.Source]remediate.Image{remediate.WasAsked: {Name: "new"}},
			map[remediate.Source]string{remediate.ToBeMade: "new"}},
		"one that can't be": {remediate.Asked{Checkpoint: "../x"}, nil, map[remediate.Source]string{}},
		"an image": {remediate.Asked{Image: "/a"}, map[remediate.Source]remediate.Image{remediate.WasAsked: {Name: "a", Digest: "d3"}},
			map[remediate.Source]string{remediate.WasAsked: "a"}},
	} {
		m := remediate.Machine{Images: c.found, Lacks: map[remediate.Source]string{remediate.WasAsked: "not to be had", remediate.LastKnownGood: "none yet"}}
		nameAsked(&m, c.asked)
		got := map[remediate.Source]string{}
		for source, image := range m.Images {
			got[source] = image.Name
		}
		if !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		for _, source := range []remediate.Source{remediate.WasAsked, remediate.ToBeMade} {
			if _, ok := got[source]; !ok && c.asked.Checkpoint != "" && m.Lacks[source] == "" {
				t.Errorf("%s: nothing says why there is no %s image", name, source)
			}
		}
	}
}

func TestFiguresOfWhatPeopleStartCanBeSet(t *testing.T) {
	s := host(t)
	file, err := s.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	c, err := configure(s, file)
	if err != nil {
		t.Fatal(err)
	}
	n := slices.IndexFunc(c.Asked, func(p remediate.Playbook) bool { return p.Name == "vm-deploy" })
	if n < 0 || c.Asked[n].Verify.Window != 10*time.Second || len(c.Playbooks) != 1 {
		t.Errorf("%+v", c.Asked)
	}
	file.VMs = nil
	if _, err := configure(s, file); err == nil || !strings.Contains(err.Error(), "cannot use playbook vm-deploy") || !strings.Contains(err.Error(), `the vm "rave"`) {
		t.Errorf("without any VM: %v", err)
	}
}

func TestAVMThatDidNotChangeIsKept(t *testing.T) {
	s := host(t)
	file, err := s.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{log: slog.New(slog.DiscardHandler)}
	first := makeVMs(w, file, nil, true)
	same := makeVMs(w, file, first, true)
	if same["rave"] != first["rave"] {
		t.Error("it was made anew, and what was known of it is lost")
	}
	changed := file.VMs["rave"]
	changed.BootsWithin++
	file.VMs["rave"] = changed
	other := makeVMs(w, file, same, true) // closes the one before
	if other["rave"] == same["rave"] {
		t.Error("it goes on with what the inventory no longer says")
	}
	delete(file.VMs, "rave")
	if left := makeVMs(w, file, other, true); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestForHowLongItHasBeenWell(t *testing.T) {
	var w wellness
	now := time.Now()
	w.saw(remediate.Healthy, now)
	w.saw(remediate.Healthy, now.Add(time.Minute))
	if got := w.lasted(now.Add(2 * time.Minute)); got != 2*time.Minute {
		t.Errorf("%s", got)
	}
	for _, not := range []remediate.Health{remediate.Unhealthy, remediate.Unknown} {
		w.saw(remediate.Healthy, now)
		w.saw(not, now.Add(time.Minute))
		if got := w.lasted(now.Add(2 * time.Minute)); got != 0 {
			t.Errorf("though it was %s since: %s", not, got)
		}
	}
}

func TestTheGuestHasItsTurnWhileItCanMendThings(t *testing.T) {
	fine := link.Status{Mode: "act"}
	now := time.Now()
	g := &guest{now: func() time.Time { return now }, since: now}
	if !g.acts() {
		t.Error("it had no time to say anything")
	}
	now = now.Add(firstWord)
	if g.acts() {
		t.Error("nobody was heard")
	}
	for name, c := range map[string]struct {
		change func(*link.Status)
		want   bool
	}{
		"well":            {func(*link.Status) {}, true},
		"frozen":          {func(s *link.Status) { s.Frozen = true }, false},
		"it gave up":      {func(s *link.Status) { s.Escalated = 1 }, false},
		"it only watches": {func(s *link.Status) { s.Mode = "observe" }, false},
	} {
		s := fine
		c.change(&s)
		g.hear(s)
		if got := g.acts(); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	g.hear(fine)
	now = now.Add(silentFor)
	if g.acts() {
		t.Error("it has been silent for too long")
	}
}

func TestAVerbWithoutItsVMIsNotDone(t *testing.T) {
	w := &world{log: slog.New(slog.DiscardHandler)}
	w.use(nil, map[string]*machine{})
	step := remediate.Step{Do: remediate.VerbSwap, On: remediate.VM("gone")}
	if _, err := (vmAction{w, func() error { return nil }}).Do(t.Context(), step, nil); err == nil || errors.Is(err, remediate.ErrInDoubt) {
		t.Errorf("Do: %v", err)
	}
	if _, err := (vmAction{w, func() error { return nil }}).Happened(t.Context(), step, nil); !errors.Is(err, remediate.ErrInDoubt) {
		t.Errorf("Happened: %v, want it in doubt: nobody can look", err)
	}
}

func TestEveryVerbHasAnAction(t *testing.T) {
	w := &world{units: systemd.NewUnits(nil, nil)}
	actions := w.actions(func() error { return nil })
	for verb := range remediate.Verbs {
		if actions[verb] == nil {
			t.Errorf("nothing does %s", verb)
		}
	}
}
