package remediate_test

import (
	"strings"
	"testing"

	. "nightshift/remediate"
)

func TestWhatAPersonMayStart(t *testing.T) {
	inv := Inventory{Host: "h1", Units: site.Units, VMs: map[string]ManagedVM{"rave": {}}}
	two := inv
	two.VMs = map[string]ManagedVM{"rave": {}, "spare": {}}
	onVM := []Rung{{Do: []Move{{Do: VerbCheckpoint, On: Selector{What: TheTarget}}}}}
	for name, c := range map[string]struct {
		p     Playbook
		named Target
		inv   Inventory
		want  string // a target, or what the error says
	}{
		"the host's":                       {Playbook{Target: TargetRule{Host: true}}, Target{}, inv, "host:h1"},
		"the host's, and it is named":      {Playbook{Target: TargetRule{Host: true}}, Host("h1"), inv, "host:h1"},
		"the host's, for a unit":           {Playbook{Target: TargetRule{Host: true}}, Unit("db.service"), inv, "it is about host:h1"},
		"a unit's":                         {Playbook{Target: TargetRule{Unit: "db.service"}}, Target{}, inv, "unit:db.service"},
		"a unit's that is not there":       {Playbook{Target: TargetRule{Unit: "x.service"}}, Target{}, inv, "the inventory does not have"},
		"a machine's":                      {Playbook{Target: TargetRule{VM: "rave"}}, Target{}, inv, "vm:rave"},
		"of a label":                       {Playbook{Target: TargetRule{UnitLabel: "name"}}, Unit("db.service"), inv, `label "name" of an alert`},
		"asked, nothing named":             {Playbook{Target: TargetRule{Asked: true}}, Target{}, inv, "host:h1"},
		"asked for a unit":                 {Playbook{Target: TargetRule{Asked: true}}, Unit("db.service"), inv, "unit:db.service"},
		"asked for a stranger":             {Playbook{Target: TargetRule{Asked: true}}, Unit("sshd.service"), inv, "the inventory has no unit:sshd.service"},
		"asked for another host":           {Playbook{Target: TargetRule{Asked: true}}, Host("h2"), inv, "the inventory has no host:h2"},
		"asked for a machine, on units":    {Playbook{Target: TargetRule{Asked: true}}, VM("rave"), inv, "about this host or one of its units"},
		"asked for a unit, on a machine":   {Playbook{Target: TargetRule{Asked: true}, Ladder: onVM}, Unit("db.service"), inv, "about a virtual machine"},
		"the only machine":                 {Playbook{Target: TargetRule{Asked: true}, Ladder: onVM}, Target{}, inv, "vm:rave"},
		"one of two machines, and no name": {Playbook{Target: TargetRule{Asked: true}, Ladder: onVM}, Target{}, two, "name one of the inventory's 2"},
	} {
		got, err := c.p.Wanted(c.named, c.inv)
		said := got.String()
		if err != nil {
			said = err.Error()
		}
		if !strings.Contains(said, c.want) || (err == nil) != (said == c.want) {
			t.Errorf("%s: %s, should be %s", name, said, c.want)
		}
	}
}

// An alert may join what a person started, and end meanwhile: what was asked for goes on.
// With an alert of its own it is not merely told to who asked, if nothing can be done.
func TestAnAlertJoinsWhatAPersonStarted(t *testing.T) {
	l := begin(t, threeRungs())
	l.i.Asked = &Asked{By: "ann"}
	l.hears("resolved")
	if !l.i.Firing {
		t.Error("the end of the alert ends what was asked for")
	}
	l.hears("firing").give(Input{Looked: &Looked{Observations: seen(Unhealthy), Verify: 1, PlanError: "no plan"}}).is(Escalated, ReasonPlanFailed)
}
