package playbooks

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"nightshift/remediate"
)

// rave is the inventory of a machine that runs RAVE.
var rave = remediate.Inventory{
	Host:  "rave-host",
	Units: map[string]remediate.ManagedUnit{"prometheus.service": {}, "grafana.service": {Healthy: []string{"grafana-api"}}},
	Profiles: map[string]remediate.ManagedProfile{"safe": {
		Units: []string{"prometheus.service", "grafana.service"}, For: 1,
		Gives: map[string]string{"prometheus.service": "memory 256MiB", "grafana.service": "cpu 25%"},
	}},
	VMs: map[string]remediate.ManagedVM{"rave": {Unit: "rave-vm.service", Healthy: []string{"vm-port"}, Boots: 1}},
}

// images are all that a machine can have.
var images = map[remediate.Source]remediate.Image{
	remediate.LastKnownGood: {Name: "good"}, remediate.BeforeSwap: {Name: "before"}, remediate.SetAside: {Name: "aside"},
	remediate.WasAsked: {Name: "asked"}, remediate.ToBeMade: {Name: "new"},
}

// planned is what a playbook would do with a VM, a line each rung.
func planned(t *testing.T, p remediate.Playbook, m remediate.Machine) []string {
	t.Helper()
	m.Images = images
	plan, err := remediate.MakePlan(p, remediate.VM("rave"), remediate.Seen{Inventory: rave, Machine: &m})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, rung := range plan.Rungs {
		steps := make([]string, len(rung.Steps))
		for n, step := range rung.Steps {
			steps[n] = step.String()
		}
		lines = append(lines, fmt.Sprintf("%s (%s %s): %s", rung.Name, rung.Risk(), rung.Autonomy, strings.Join(steps, ", ")))
	}
	return append(lines, "then "+strings.Join(plan.Probes, " "))
}

func TestWhatIsDoneAboutAVMThatIsDown(t *testing.T) {
	down := []string{
		"power down and boot (reset ): power-down rave, boot rave",
		"go back to the last known good (rollback ): power-down rave, swap rave to good, boot rave",
		"then vm:rave vm-port",
	}
	for name, c := range map[string]struct {
		machine remediate.Machine
		first   []string
	}{
		"paused":      {remediate.Machine{Alive: true, Paused: true}, []string{"let the guest go on (limit ): cont rave"}},
		"stuck":       {remediate.Machine{Alive: true}, []string{"reset the guest (reset ): reset rave"}},
		"not running": {remediate.Machine{}, nil},
	} {
		if got, want := planned(t, VMDown, c.machine), append(c.first, down...); !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestWhatPeopleAskFor(t *testing.T) {
	want := map[string][]string{
		"vm-checkpoint": {"keep the disks as they are (limit ): checkpoint rave to new", "then "},
		"vm-promote":    {"make it the last known good (limit ): promote rave to asked", "then "},
		"vm-verify":     {"boot it on a throw-away overlay (limit ): prove rave to asked", "then "},
		"vm-deploy": {
			"put the image in place (rollback ): power-down rave, swap rave to asked, boot rave",
			"go back to what ran before (rollback approve): power-down rave, swap rave to before, boot rave",
			"then vm:rave vm-port",
		},
		"vm-rollback": {"go back (rollback ): power-down rave, swap rave to asked, boot rave", "then vm:rave vm-port"},
		"vm-undo":     {"put back what was put aside (rollback ): power-down rave, swap rave to aside, boot rave", "then vm:rave vm-port"},
	}
	for _, p := range Asked {
		if !p.OnVM() {
			continue
		}
		if got := planned(t, p, remediate.Machine{Alive: true}); !slices.Equal(got, want[p.Name]) {
			t.Errorf("%s:\n%s", p.Name, strings.Join(got, "\n"))
		}
		if !p.Match.IsZero() || !p.Target.Asked {
			t.Errorf("%s is for an alert: %v", p.Name, p.Match)
		}
		delete(want, p.Name)
	}
	if len(want) > 0 {
		t.Errorf("not there: %v", want)
	}
}

func TestThereIsNoWayBackFromWhatWasNotDone(t *testing.T) {
	m := remediate.Machine{Alive: true, Images: map[remediate.Source]remediate.Image{remediate.BeforeSwap: {Name: "before"}}}
	plan, err := remediate.MakePlan(VMDeploy, remediate.VM("rave"), remediate.Seen{Inventory: rave, Machine: &m})
	if err != nil || len(plan.Rungs) != 0 || len(plan.LeftOut) != 2 {
		t.Errorf("%+v %v, want nothing done without an image", plan, err)
	}
}

func TestNamesAreUniqueAndFound(t *testing.T) {
	names := Names()
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(Coded)+len(Asked) {
		t.Errorf("names: %v", names)
	}
	for _, name := range names {
		_, coded := Find(name)
		_, asked := FindAsked(name)
		if coded == asked {
			t.Errorf("%s is found among both, or in none", name)
		}
	}
}

// Who names a unit has that restarted, and the whole only where it did not help.
func TestWhatIsRestartedAfterARotation(t *testing.T) {
	inv := remediate.Inventory{Host: "rave-1", Units: map[string]remediate.ManagedUnit{"webhook-dispatcher.service": {}, "nginx.service": {Needs: []string{"webhook-dispatcher.service"}}}}
	for named, want := range map[remediate.Target]string{
		{}:                              "restart webhook-dispatcher.service, restart nginx.service",
		remediate.Host("rave-1"):        "restart webhook-dispatcher.service, restart nginx.service",
		remediate.Unit("nginx.service"): "restart nginx.service; restart webhook-dispatcher.service, restart nginx.service",
	} {
		target, err := WebhookRotated.Wanted(named, inv)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := remediate.MakePlan(WebhookRotated, target, remediate.Seen{Inventory: inv})
		if err != nil {
			t.Fatal(err)
		}
		var rungs []string
		for _, rung := range plan.Rungs {
			var steps []string
			for _, step := range rung.Steps {
				steps = append(steps, step.String())
			}
			rungs = append(rungs, strings.Join(steps, ", "))
		}
		if got := strings.Join(rungs, "; "); got != want {
			t.Errorf("%s: %s, should be %s", named, got, want)
		}
	}
}

func TestWhatSAFEModeDoes(t *testing.T) {
	for p, want := range map[*remediate.Playbook][]string{
		&SafeMode: {
			"limits of SAFE mode (limit ): limit prometheus.service to safe, limit grafana.service to safe",
			"restart, then the limits (restart ): restart prometheus.service, restart grafana.service, " +
				"limit prometheus.service to safe, limit grafana.service to safe",
			"then unit:prometheus.service unit:grafana.service grafana-api",
		},
		&SafeModeOff: {"take the limits back (limit ): unlimit prometheus.service from safe, unlimit grafana.service from safe", "then "},
	} {
		if got := planned(t, *p, remediate.Machine{}); !slices.Equal(got, want) {
			t.Errorf("%s:\n%s", p.Name, strings.Join(got, "\n"))
		}
	}
}
