package remediate_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	. "nightshift/remediate"
)

func steps(p Plan) (all []string) {
	for _, rung := range p.Rungs {
		for _, step := range rung.Steps {
			all = append(all, step.String())
		}
	}
	return all
}

func TestSelectorsBecomeNamesInTheOrderOfNeeds(t *testing.T) {
	restart := func(on Selector) []Rung { return []Rung{{Name: "r", Do: []Move{{Do: VerbRestart, On: on}}}} }
	for _, c := range []struct {
		name   string
		on     Selector
		target Target
		failed []string
		want   string
	}{
		{"a unit", Selector{Unit: "app.service"}, Host("h1"), nil, "restart app.service"},
		{"the target", Selector{What: TheTarget}, Unit("web.service"), nil, "restart web.service"},
		{"the target of a host is no unit", Selector{What: TheTarget}, Host("h1"), nil, ""},
		{"what it needs", Selector{What: ItsNeeds}, Unit("web.service"), nil, "restart db.service, restart app.service"},
		{"what needs nothing", Selector{What: ItsNeeds}, Unit("db.service"), nil, ""},
		{"what failed", Selector{What: WhatFailed}, Host("h1"), []string{"web.service", "db.service"}, "restart db.service, restart web.service"},
		{"nothing failed means nothing", Selector{What: WhatFailed}, Host("h1"), nil, ""},
		{"what failed and is not listed", Selector{What: WhatFailed}, Host("h1"), []string{"sshd.service"}, ""},
		{"the site, without its oneshots", Selector{What: WholeSite}, Host("h1"), nil, "restart db.service, restart app.service, restart web.service"},
		{"a oneshot is only started", Selector{Unit: "gc.service"}, Host("h1"), nil, "oneshot gc.service"},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := MakePlan(Playbook{Name: "p", Ladder: restart(c.on)}, c.target, Seen{Inventory: site, Failed: c.failed})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(steps(plan), ", "); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if c.want == "" && len(plan.Rungs) != 0 {
				t.Error("a rung without steps is in the plan")
			}
		})
	}
	for _, wrong := range []Selector{{Unit: "sshd.service"}, {What: "laziest"}, {}} {
		if _, err := MakePlan(Playbook{Name: "p", Ladder: restart(wrong)}, Host("h1"), Seen{Inventory: site}); err == nil {
			t.Errorf("%+v chooses something", wrong)
		}
	}
}

func TestTheRiskIsTheSites(t *testing.T) {
	plan, err := MakePlan(Playbook{Ladder: []Rung{{Do: []Move{{Do: VerbReload, On: Selector{Unit: "web.service"}}, {Do: VerbOneshot, On: Selector{Unit: "gc.service"}}}}}}, Host("h1"), Seen{Inventory: site})
	if err != nil {
		t.Fatal(err)
	}
	rung := plan.Rungs[0]
	if rung.Steps[0].Risk != Limit || rung.Steps[1].Risk != Rollback || rung.Risk() != Rollback {
		t.Errorf("%+v", rung.Steps)
	}
	if rung.Steps[0].Timeout != DefaultStepTimeout {
		t.Errorf("timeout %s", rung.Steps[0].Timeout)
	}
}

func TestTheDigestIsWhatWouldBeDone(t *testing.T) {
	make := func(change func(*Playbook)) string {
		p := threeRungs()
		change(&p)
		plan, err := MakePlan(p, Host("h1"), Seen{Inventory: site})
		if err != nil {
			t.Fatal(err)
		}
		return plan.Digest
	}
	same := make(func(*Playbook) {})
	if make(func(p *Playbook) { p.Deadline = time.Hour; p.Look = nil }) != same {
		t.Error("what is not done changes the digest")
	}
	for name, change := range map[string]func(*Playbook){
		"a rung less":    func(p *Playbook) { p.Ladder = p.Ladder[1:] },
		"another verb":   func(p *Playbook) { p.Ladder[0].Do[0].Do = VerbStop },
		"another unit":   func(p *Playbook) { p.Ladder[0].Do[0].On.Unit = "web.service" },
		"another probe":  func(p *Playbook) { p.Verify.Healthy = []string{"other"} },
		"more freedom":   func(p *Playbook) { p.Ladder[0].Autonomy = Act },
		"a longer time":  func(p *Playbook) { p.Ladder[0].Do[0].Timeout = time.Hour },
		"another order":  func(p *Playbook) { slices.Reverse(p.Ladder) },
		"one rung of it": func(p *Playbook) { p.Ladder[0].Do = append(p.Ladder[0].Do, p.Ladder[1].Do...); p.Ladder = p.Ladder[:1] },
	} {
		if make(change) == same {
			t.Errorf("%s has the same digest", name)
		}
	}
}

func TestWhichProbesAreAsked(t *testing.T) {
	p := Playbook{
		Ladder: []Rung{{Do: []Move{{Do: VerbRestart, On: Selector{What: WhatFailed}}}}},
		Verify: Verify{Healthy: []string{"front", string(TheTarget)}},
	}
	verify := VerifyProbes(p, site, Unit("web.service"))
	if got := strings.Join(verify, " "); got != "front unit:web.service" {
		t.Errorf("verification asks %s", got)
	}
	if got := strings.Join(p.Considers(site, verify), " "); got != "unit:db.service unit:app.service" {
		t.Errorf("the plan asks also %s", got)
	}
	p.Ladder = nil
	if got := p.Considers(site, verify); len(got) != 0 {
		t.Errorf("a ladder that needs nothing asks %v", got)
	}
}

func TestWhatFailed(t *testing.T) {
	observe := func(health Health, names ...string) (o []Observation) {
		for _, name := range names {
			o = append(o, Observation{Probe: name, Health: health})
		}
		return o
	}
	failed := site.FailedUnits(append(observe(Unhealthy, "front", "unit:gc.service"), observe(Unknown, "unit:db.service")...))
	if got := strings.Join(failed, " "); got != "web.service" {
		t.Errorf("failed: %q; unknown is not bad, and a oneshot is never down", got)
	}
}

func TestAUnitThereByNameIsNoPartOfTheSite(t *testing.T) {
	inv := Inventory{Host: "h1", Units: map[string]ManagedUnit{
		"web.service":     {Healthy: []string{"route"}},
		"network.service": {ByName: true, Healthy: []string{"route"}},
	}}
	if got := inv.Site(); !slices.Equal(got, []string{"web.service"}) {
		t.Errorf("the site is %v", got)
	}
	if got := inv.FailedUnits([]Observation{{Probe: "route", Health: Unhealthy}}); !slices.Equal(got, []string{"web.service"}) {
		t.Errorf("failed: %v", got)
	}
	named := []Rung{{Name: "r", Do: []Move{{Do: VerbRestart, On: Selector{Unit: "network.service"}}}}}
	if plan, err := MakePlan(Playbook{Name: "p", Ladder: named}, Host("h1"), Seen{Inventory: inv}); err != nil || len(plan.Rungs) != 1 {
		t.Errorf("%+v %v, want it where it is named", plan, err)
	}
}

func TestWhoIsBusiestIsActedOnOnlyIfItIsOfTheInventory(t *testing.T) {
	p := Playbook{Name: "p", Ladder: []Rung{{Name: "restart it", Do: []Move{{Do: VerbRestart, On: Selector{What: Busiest}}}}}}
	for busy, want := range map[Busy]string{
		{Unit: "web.service"}:                             "restart web.service",
		{Unit: "backup.service"}:                          "",
		{Unit: "gc.service"}:                              "",
		{Why: "most of it is used by user.slice (1 min)"}: "",
		{}: "",
	} {
		plan, err := MakePlan(p, Host("h1"), Seen{Inventory: site, Busiest: busy})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(steps(plan), ", "); got != want {
			t.Errorf("%+v: %q, want %q", busy, got, want)
		}
		if want == "" && (len(plan.Rungs) != 0 || len(plan.LeftOut) != 1 || busy.Why != "" && !strings.Contains(plan.LeftOut[0], busy.Why)) {
			t.Errorf("%+v: %+v", busy, plan)
		}
	}
}

// limitedSite is the site with a profile for two of its units.
func limitedSite() Inventory {
	inv := site
	inv.Profiles = map[string]ManagedProfile{"safe": {
		Units: []string{"web.service", "db.service"}, For: time.Hour,
		Gives: map[string]string{"web.service": "cpu 25%", "db.service": "memory 256MiB"},
	}}
	return inv
}

func TestLimitsArePlannedForTheProfilesUnits(t *testing.T) {
	plan := func(inv Inventory, moves ...Move) (Plan, error) {
		p := Playbook{Name: "p", Ladder: []Rung{{Name: "limits", Do: moves}}, Verify: Verify{Healthy: []string{"profile"}}}
		return MakePlan(p, Host("h1"), Seen{Inventory: inv})
	}
	safe := Move{Do: VerbLimit, On: Selector{What: ItsProfile}, Profile: "safe"}
	got, err := plan(limitedSite(), safe)
	if err != nil || strings.Join(steps(got), ", ") != "limit web.service to safe, limit db.service to safe" {
		t.Fatalf("%v %v", steps(got), err)
	}
	if s := got.Rungs[0].Steps[1]; s.Gives != "memory 256MiB, for 1h0m0s" || s.Risk != Limit || !slices.Contains(got.Probes, "unit:db.service") {
		t.Errorf("%+v, probes %v", s, got.Probes)
	}
	richer := limitedSite()
	richer.Profiles["safe"].Gives["db.service"] = "memory 512MiB"
	if other, _ := plan(richer, safe); other.Digest == got.Digest {
		t.Error("other figures have the same digest")
	}
	if left, err := plan(site, safe); err != nil || len(left.Rungs) != 0 || !slices.Equal(left.LeftOut, []string{`limits: the inventory has no profile "safe"`}) {
		t.Errorf("without the profile: %+v %v", left, err)
	}
	for _, wrong := range []Move{{Do: VerbLimit, On: Selector{Unit: "gc.service"}, Profile: "safe"}, {Do: VerbUnlimit, On: Selector{Unit: "web.service"}}} {
		if _, err := plan(limitedSite(), wrong); err == nil {
			t.Errorf("%+v is planned", wrong)
		}
	}
}
