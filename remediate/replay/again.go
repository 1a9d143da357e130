package replay

import (
	"bytes"

	"nightshift/remediate"
	"nightshift/remediate/guard"
)

// planAgain makes the plan anew, of what was seen.
func planAgain(i *remediate.Incident, in remediate.Input) remediate.Input {
	if in.Looked == nil || in.Looked.Seen == nil {
		return in
	}
	looked, seen := *in.Looked, *in.Looked.Seen
	seen.Failed = seen.Inventory.FailedUnits(looked.Observations)
	plan, err := remediate.MakePlan(i.Playbook, i.Target, seen)
	looked.Plan, looked.PlanError = plan, ""
	if err != nil {
		looked.PlanError = err.Error()
	}
	in.Looked = &looked
	return in
}

// judgeAgain asks the gates anew, of the facts that they had; what the incident tells
// of these must be as the log tells it.
func judgeAgain(i *remediate.Incident, in remediate.Input) ([]Difference, remediate.Input) {
	var recorded *remediate.Judgement
	switch {
	case in.Judged != nil:
		judged := *in.Judged
		in.Judged, recorded = &judged, &judged
	case in.Prepared != nil:
		prepared := *in.Prepared
		in.Prepared, recorded = &prepared, &prepared.Judgement
	}
	if recorded == nil || len(recorded.Facts) == 0 {
		return nil, in
	}
	var facts guard.Facts
	if err := remediate.DecodeJSON(recorded.Facts, &facts); err != nil {
		return []Difference{{Of: "facts", Was: string(recorded.Facts), Is: err.Error()}}, in
	}
	recorded.Verdict = guard.Judge(facts)
	if i.Plan == nil || i.Rung >= len(i.Plan.Rungs) {
		return nil, in
	}
	was, err := remediate.EncodeJSON(facts)
	is, err2 := remediate.EncodeJSON(facts.Of(i))
	if err != nil || err2 != nil || bytes.Equal(was, is) {
		return nil, in
	}
	return []Difference{{Of: "facts", Was: string(was), Is: string(is)}}, in
}
