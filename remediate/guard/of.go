package guard

import "nightshift/remediate"

// Of are the facts with all that the incident itself tells of its next rung, at the
// facts' own time. The rest the world, the configuration and the ledger tell.
func (f Facts) Of(i *remediate.Incident) Facts {
	rung := i.Plan.Rungs[i.Rung]
	f.Risk, f.PlanDigest = rung.Risk(), rung.Digest
	f.TargetKnown = !i.Target.IsZero()
	f.AlertAge, f.Truncated = f.Now.Since(i.Received), i.Truncated || i.Alert.Truncated
	f.Begun, f.Climbing, f.Untried = len(i.Tried) > 0, i.Climbing(), i.Untried()
	f.Approved, f.ApprovedAt, f.Asked = i.Approved, i.ApprovedAt, i.Asked != nil
	f.Opened, f.Attempts = i.LiveSince, i.Playbook.Attempts
	f.Swaps, f.Grade = false, remediate.Unproved
	for _, step := range rung.Steps {
		if step.Do == remediate.VerbSwap {
			f.Swaps, f.Grade = true, step.Image.Grade
		}
	}
	return f
}
