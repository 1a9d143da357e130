package remediate_test

import (
	"testing"

	. "nightshift/remediate"
)

// profiledSite has a profile, for db.service.
func profiledSite() Inventory {
	inv := site
	inv.Profiles = map[string]ManagedProfile{"safe": {Units: []string{"db.service"}, Gives: map[string]string{"db.service": "cpu 50%"}}}
	return inv
}

// limiting is a playbook with limits, and with a restart before them where that is
// refused.
func limiting() Playbook {
	limit := Move{Do: VerbLimit, On: Selector{What: ItsProfile}, Profile: "safe"}
	p := threeRungs()
	p.Look = nil
	p.Ladder = []Rung{{Name: "limits", Do: []Move{limit}}, {Name: "restart, then limits", Do: []Move{{Do: VerbRestart, On: Selector{Unit: "db.service"}}, limit}}}
	return p
}

// refuses is that a unit was not given its limits.
func refuses(l *life) *life {
	l.t.Helper()
	return l.give(Input{Acted: &Acted{Receipt: Receipt{Result: Failed, Detail: "it uses too much"}}})
}

// TestLimitsThatAPersonAskedForAndDoNotHoldAreNotFixed: what is healthy can't tell
// whether it is limited, and a person asked for nothing else.
func TestLimitsThatAPersonAskedForAndDoNotHoldAreNotFixed(t *testing.T) {
	p := limiting()
	plan, err := MakePlan(p, Host("h1"), Seen{Inventory: profiledSite()})
	if err != nil {
		t.Fatal(err)
	}
	l := &life{t: t, now: noon, plan: plan}
	l.apply(Event{Type: IncidentOpened, Incident: "AAAA1111", At: noon, Opened: &Opened{
		Received: noon, Position: Position{Message: 1}, Playbook: p, Target: Host("h1"), Asked: &Asked{By: "ann"},
	}})
	refuses(l.give(Input{Woken: true}).allowed()).stays(Healthy).is(Open, "").wants(WantJudge, 0)
	if v := l.log[len(l.log)-1].Verified; v == nil || v.Outcome != NotFixed || v.Detail != "it uses too much" {
		t.Errorf("the verification says %+v, want what refused the limits", v)
	}
	l.judged(allow).prepares(allow).acts(Done).prepares(allow).acts(Done).stays(Healthy).is(Resolved, ReasonFixed)
}

func TestLimitsThatAnAlertAskedForNeedNotHoldWhereItIsHealthy(t *testing.T) {
	p := limiting()
	plan, err := MakePlan(p, Host("h1"), Seen{Inventory: profiledSite()})
	if err != nil {
		t.Fatal(err)
	}
	l := begin(t, threeRungs())
	l.i.Playbook, l.plan = p, plan
	refuses(l.allowed()).stays(Healthy).is(Resolved, ReasonFixed)
}
