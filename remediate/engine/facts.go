package engine

import (
	"nightshift/remediate"
	"nightshift/remediate/guard"
)

// facts gathers what the gates must know of a rung, or of one of its steps, of an
// incident: from the log's fold, the configuration, and how things stand.
func (e *Engine) facts(i *remediate.Incident, touches []remediate.Target, read map[remediate.Target]remediate.Situation) guard.Facts {
	now, config := e.o.Now(), e.config.Load()
	rung := i.Plan.Rungs[i.Rung]
	f := guard.Facts{
		Now: now, Frozen: e.frozen(now),
		Risk: rung.Risk(), Autonomy: remediate.Least(config.Mode, i.Playbook.Autonomy, rung.Autonomy),
		TargetKnown: !i.Target.IsZero(),
		AlertAge:    now.Since(i.Received), Unhealthy: true, Truncated: i.Truncated || i.Alert.Truncated,
		Begun: len(i.Tried) > 0, PlanDigest: i.Plan.Digest, Approved: i.Approved,
		Holder: e.holder(i), MaxActing: config.MaxActing, Attempts: i.Playbook.Attempts,
	}
	for _, other := range e.ledger.Live() {
		if touching := other.Touching(); other.ID != i.ID && len(touching) > 0 {
			f.Acting = append(f.Acting, guard.ActingIncident{ID: other.ID, Touching: touching})
		}
	}
	for _, on := range touches {
		unit, listed := config.Inventory.Units[on.Name]
		f.Autonomy = remediate.Least(f.Autonomy, unit.Autonomy)
		touched := guard.Touched{
			On: on, Situation: read[on], KnownInvocation: i.Invocations[on], OurInvocation: e.ledger.Ours[on],
			InInventory: listed, Allowed: unit.Allow,
		}
		e.recent(&touched, i, now)
		f.Touches = append(f.Touches, touched)
	}
	return f
}

// holder is an earlier incident that has the same target, and is not with people.
func (e *Engine) holder(i *remediate.Incident) remediate.ID {
	for _, other := range e.ledger.Live() {
		if other.ID == i.ID {
			return ""
		}
		if other.Target == i.Target && !i.Target.IsZero() && other.State != remediate.Escalated {
			return other.ID
		}
	}
	return ""
}

// recent counts the attempts that bear on one thing: all but that of the rung
// which is being climbed. A cooldown is between incidents, never within one.
func (e *Engine) recent(t *guard.Touched, i *remediate.Incident, now remediate.Instant) {
	for _, a := range e.ledger.Attempts {
		if a.On != t.On || a.Incident == i.ID && a.Rung == i.Rung && a.Ended.IsZero() {
			continue
		}
		if now.Since(a.At) < i.Playbook.Attempts.Per {
			t.Recent++
			if t.Oldest.IsZero() || a.At.Before(t.Oldest) {
				t.Oldest = a.At
			}
		}
		if a.Incident != i.ID && t.LastEnded.Before(a.Ended) {
			t.LastEnded = a.Ended
		}
	}
}
