package engine

import (
	"cmp"
	"slices"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/guard"
)

// judgement is the gates' answer with what they knew. It runs in the loop, so
// that no other incident's intent can come in between.
func (e *Engine) judgement(i *remediate.Incident, touches []remediate.Target, read *reading) remediate.Judgement {
	e.weather(e.o.Now())
	facts := e.facts(i, touches, read)
	text, err := remediate.EncodeJSON(facts)
	if err != nil {
		return remediate.Judgement{Verdict: remediate.Verdict{
			Decision: remediate.Refuse, Reason: remediate.ReasonInDoubt, Next: remediate.Escalated, Detail: err.Error(),
		}}
	}
	return remediate.Judgement{Verdict: guard.Judge(facts), Facts: text}
}

// facts gathers what the gates must know of a rung, or of one of its steps, of an
// incident: from the log's fold, the configuration, and how things stand. Nothing
// is judged before a look found a probe that agrees with the alert.
func (e *Engine) facts(i *remediate.Incident, touches []remediate.Target, read *reading) guard.Facts {
	now, config := e.o.Now(), e.config.Load()
	rung := i.Plan.Rungs[i.Rung]
	f := guard.Facts{
		Now: now, Frozen: e.frozen(now), Aside: e.ledger.Aside, Unhealthy: true, MaxActing: config.MaxActing,
		Autonomy: remediate.Least(e.autonomy(i.Playbook, config.Mode), rung.Autonomy),
	}.Of(i)
	e.others(&f, i)
	for _, on := range touches {
		touched := guard.Touched{
			On: on, Situation: read.stand[on], KnownInvocation: i.Invocations[on], OurInvocation: e.ledger.Ours[on],
		}
		f.Autonomy = remediate.Least(f.Autonomy, listed(&touched, config.Inventory))
		e.recent(&touched, i, now)
		f.Touches = append(f.Touches, touched)
	}
	along(&f, i, read)
	e.people(&f, i, touches, read)
	e.counts(&f, i, touches)
	f.Groups = groups(rung.Steps, touches, read.peers, config.Inventory)
	return f
}

// listed says what the inventory has on one thing, and returns how far the agent
// may go with it.
func listed(t *guard.Touched, inv remediate.Inventory) remediate.Autonomy {
	t.Alone = remediate.Restart
	if t.On.Kind == remediate.VMKind {
		vm, ok := inv.VMs[t.On.Name]
		t.InInventory, t.Alone, t.WaitForGuest, t.SwapEvery = ok, vm.Alone, vm.WaitForGuest, vm.RollbackEvery
		return vm.Autonomy
	}
	unit, ok := inv.Units[t.On.Name]
	t.InInventory, t.Allowed = ok, unit.Allow
	return unit.Autonomy
}

// others finds what other incidents are acting on, and the first of those with
// the same target that came before, are not with people, and do not wait for this
// one.
func (e *Engine) others(f *guard.Facts, i *remediate.Incident) {
	var holder *remediate.Incident
	for id, other := range e.ledger.Incidents {
		if id == i.ID || !other.State.Live() {
			continue
		}
		if touching := other.Touching(); len(touching) > 0 {
			f.Acting = append(f.Acting, guard.ActingIncident{ID: id, Touching: touching})
		}
		same := other.Target == i.Target && !i.Target.IsZero() && other.State != remediate.Escalated && (i.Asked != nil || !other.Yields())
		waits := other.Wait != nil && other.Wait.On == i.ID
		if same && !waits && cameFirst(other, i) && (holder == nil || cameFirst(other, holder)) {
			holder, f.Holder = other, id
		}
	}
	slices.SortFunc(f.Acting, func(a, b guard.ActingIncident) int { return cmp.Compare(a.ID, b.ID) })
}

// cameFirst reports whether a came to the agent before b. One that people handed
// back comes then: else it and what has begun since would wait for each other.
func cameFirst(a, b *remediate.Incident) bool {
	if a.LiveSince == b.LiveSince {
		return a.ID < b.ID
	}
	return a.LiveSince.Before(b.LiveSince)
}

// longestClimb is more than any attempt lasts, from its intent to the end of its
// verification: no deadline of an inventory is longer.
const longestClimb = 24 * time.Hour

// recent counts the attempts that bear on one thing: all but that of the rung
// which is being climbed. A cooldown is between incidents, never within one.
func (e *Engine) recent(t *guard.Touched, i *remediate.Incident, now remediate.Instant) {
	for _, a := range slices.Backward(e.ledger.Attempts) {
		if now.Since(a.At) > max(i.Playbook.Attempts.Per, i.Playbook.Attempts.Cooldown, t.SwapEvery)+longestClimb {
			continue // a later one may be closer: the clock need not have been right at either
		}
		if a.On != t.On || a.Incident == i.ID && a.Rung == i.Rung && a.Ended.IsZero() {
			continue
		}
		if a.Swapped && t.LastSwap.Before(a.At) {
			t.LastSwap = a.At
		}
		if e.ledger.Elapsed(a.At, now) < i.Playbook.Attempts.Per {
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
