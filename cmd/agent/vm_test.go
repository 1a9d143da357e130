package main

import (
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// vms are virtual machines as the agent tells of them.
func vms() []oncall.VM {
	return []oncall.VM{
		{
			Name: "rave", Unit: "rave-vm.service", State: "running", Health: remediate.Healthy, Detail: "it runs\nsince noon", LastKnownGood: "before-update",
			Guest: "rave-1 v1.2, mode act, heard 3s ago",
			Disks: []oncall.Disk{{Name: "data", Keep: true}, {Name: "system", File: "system-01K2.qcow2"}},
			Checkpoints: []oncall.Checkpoint{
				{Name: "monday", Taken: noon.Add(-time.Hour), Grade: remediate.WasHealthy, Digest: "aaaabbbbccccdddd", Wrong: "system-01K1.qcow2 was\nwritten to"},
				{Name: "before-update", Taken: noon.Add(-50 * time.Hour), Grade: remediate.BootProved, Promoted: true, LastKnownGood: true, Digest: "0123456789abcdef"},
				{Name: "first", Taken: noon.Add(-80 * 24 * time.Hour), Promoted: true, Digest: "fedcba9876543210"},
			},
		},
		{Name: "new", Unit: "new-vm.service", State: "its unit is inactive", Health: remediate.Unhealthy, Lacks: "no checkpoint was promoted yet", Problem: "cannot read live/\x1b[2J"},
	}
}

func TestTheListOfVMs(t *testing.T) {
	s, text := page()
	vmTable(vms(), noon).write(s)
	golden(t, "vms.golden", text.String())
}

func TestHowAVMStands(t *testing.T) {
	s, text := page()
	for _, vm := range vms() {
		tellVM(s, vm, noon)
		s.line()
	}
	golden(t, "vm.golden", text.String())
}

func TestCheckpointsAreCompletedWithTheirAge(t *testing.T) {
	offered := checkpointCompletions(vms(), "rave")
	if want := "before-update\trave, 2026-07-30 10:00:00, boot-proved, last known good"; len(offered) != 3 || offered[1] != want {
		t.Errorf("%q, want the second to be %q", offered, want)
	}
	if offered := checkpointCompletions(vms(), "new"); len(offered) != 0 {
		t.Errorf("of one without any: %q", offered)
	}
}

// goingBack is an incident that waits for a person before it goes back.
func goingBack() []remediate.Event {
	vm := func(do remediate.Verb, risk remediate.Risk, image *remediate.Image) remediate.Step {
		return remediate.Step{Do: do, On: remediate.VM("rave"), Risk: risk, Timeout: time.Minute, Image: image}
	}
	image := remediate.Image{
		Name: "before-update", Digest: "0123456789abcdef0123", File: "/var/lib/rave/good/before-update.system.qcow2",
		Grade: remediate.BootProved, Taken: noon.Add(-50 * time.Hour),
		From: map[string]string{"system": "system-01K2.qcow2"}, Keep: []string{"data"},
	}
	plan := remediate.Plan{
		Rungs: []remediate.PlannedRung{{
			Name: "go back", Digest: "5f2c8d10a3b94e67c1",
			Steps: []remediate.Step{
				vm(remediate.VerbPowerDown, remediate.Reset, nil), vm(remediate.VerbSwap, remediate.Rollback, &image), vm(remediate.VerbBoot, remediate.Restart, nil),
			},
		}},
		Probes: []string{"vm:rave", "vm-port"}, Digest: "77aa8d10a3b94e67c1",
		LeftOut: []string{"reset the guest: its QEMU\ndoes not run"},
	}
	return []remediate.Event{
		{Type: remediate.IncidentOpened, At: after(0), Opened: &remediate.Opened{
			Target: remediate.VM("rave"), Playbook: remediate.Playbook{Name: "vm-rollback"}.WithDefaults(),
			Asked: &remediate.Asked{By: "operator", Comment: "slow since\nthen", Checkpoint: "before-update"},
		}},
		{Type: remediate.IncidentPlanned, At: after(1), Planned: &remediate.Planned{Plan: plan}},
		{Type: remediate.IncidentJudged, At: after(1), Judged: &remediate.Judged{Verdict: remediate.Verdict{
			Decision: remediate.Hold, Gate: "approval", Reason: "approval_wanted", Detail: "a person has to approve it (risk rollback)",
		}}},
	}
}

func TestAHeldIncidentShowsExactlyWhatItWouldDo(t *testing.T) {
	s, text := page()
	tell(s, story(t, goingBack()...), false, noon.Add(3*time.Minute))
	golden(t, "story-held.golden", text.String())
}

func TestWhatAnOrderWouldDo(t *testing.T) {
	s, text := page()
	tellForeseen(s, explanation{
		Playbook: "vm-rollback", Target: remediate.VM("rave"), Plan: goingBack()[1].Planned.Plan,
		Verdicts: []remediate.Verdict{{Decision: remediate.Allow, Gate: "frozen"}, {Decision: remediate.Hold, Gate: "approval", Reason: "approval_wanted"}},
	}, noon)
	s.line()
	tellForeseen(s, explanation{Playbook: "vm-undo", Target: remediate.VM("rave"), Problem: "nothing was put aside"}, noon)
	golden(t, "foreseen.golden", text.String())
}

func TestOnlyWhatWasDoneAsAskedIsASuccess(t *testing.T) {
	tried := func(n int) []remediate.Tried { return make([]remediate.Tried, n) }
	for name, c := range map[string]struct {
		incident remediate.Incident
		want     bool
	}{
		"done":                            {remediate.Incident{State: remediate.Resolved, Tried: tried(1)}, true},
		"the way back had to be taken":    {remediate.Incident{State: remediate.Resolved, Tried: tried(2)}, false},
		"declined":                        {remediate.Incident{State: remediate.Declined}, false},
		"with people":                     {remediate.Incident{State: remediate.Escalated, Tried: tried(1)}, false},
		"healthy, and not by what it did": {remediate.Incident{State: remediate.Cleared, Tried: tried(1)}, false},
	} {
		if got := asAsked(&c.incident); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestProgressIsSaidOnceInAWhile(t *testing.T) {
	s, text := page()
	now := noon
	p := progress{screen: s, now: func() time.Time { return now }, began: now}
	for done := range int64(25) {
		p.tell(done<<20, 25<<20)
		now = now.Add(time.Second)
	}
	if want := "40% of 25 MiB, 10s\n80% of 25 MiB, 20s\n"; text.String() != want {
		t.Errorf("%q, want %q", text.String(), want)
	}
}
