package engine

import (
	"slices"

	"nightshift/remediate"
	"nightshift/remediate/guard"
)

// people finds what people said, or are told, that bears on an incident.
func (e *Engine) people(f *guard.Facts, i *remediate.Incident, touches []remediate.Target, read *reading) {
	inv := e.config.Load().Inventory
	f.FreezeTold = f.Frozen != nil && e.ledger.ToldSince(remediate.ReasonFrozen, f.Frozen.At)
	about := append([]remediate.Target{i.Target}, touches...)
	for _, m := range inv.Maintenance {
		if m.Covers(i.Playbook.Name, about, f.Now.Wall) {
			f.Maintenance = m.Name
			break
		}
	}
	for _, s := range read.silences {
		if !s.Ours {
			f.Silence = &s
			break
		}
	}
	f.SilentSource = e.silentSource(i.Alert)
}

// counts finds what was done lately, and how often.
func (e *Engine) counts(f *guard.Facts, i *remediate.Incident, touches []remediate.Target) {
	inv, playbook := e.config.Load().Inventory, i.Playbook.Name
	f.StartupGrace = inv.Limits.StartupGrace
	f.Storm = e.stormNow(f.Now)
	f.StormTold = f.Storm != nil && e.ledger.ToldSince(remediate.ReasonStorm, f.Storm.At)
	f.Windows = e.windows(i, touches, f.Now)
	f.Breakers = e.openFor(touches, playbook)
	if f.Flapping = inv.FlappingOf(playbook); i.LiveSince == i.OpenedAt {
		f.Flaps = e.ledger.Flaps(playbook, i.Target, f.Flapping.Per, f.Now)
	}
}

// windows are the bounds of what is done, and how much of each was used. A thing that
// the rung being climbed has touched is not touched anew.
func (e *Engine) windows(i *remediate.Incident, touches []remediate.Target, now remediate.Instant) []guard.Window {
	inv := e.config.Load().Inventory
	isNew := func(on remediate.Target) bool {
		for a := range e.ledger.AttemptsOf(i) {
			if a.On == on && a.Rung == i.Rung && a.Ended.IsZero() {
				return false
			}
		}
		return true
	}
	fresh := slices.DeleteFunc(slices.Clone(touches), func(on remediate.Target) bool { return !isNew(on) })
	var all []guard.Window
	add := func(of string, rates []remediate.Rate, fresh int, counts func(remediate.Attempt) bool) {
		for _, rate := range rates {
			all = append(all, guard.Window{Of: of, Max: rate.Max, Per: rate.Per, New: fresh, Made: e.ledger.Made(rate.Per, now, counts)})
		}
	}
	for _, on := range fresh {
		add(on.String(), inv.RatesOf(on), 1, func(a remediate.Attempt) bool { return a.On == on })
	}
	add("playbook:"+i.Playbook.Name, inv.RatesBy(i.Playbook.Name), len(fresh), func(a remediate.Attempt) bool { return a.Playbook == i.Playbook.Name })
	add("host", inv.Limits.Host, len(fresh), func(remediate.Attempt) bool { return true })
	return all
}

// groups are those of which the steps on these would take units down.
func groups(steps []remediate.Step, touches []remediate.Target, health map[string]remediate.Health, inv remediate.Inventory) []guard.Group {
	var names []string
	for _, on := range touches {
		if on.Kind == remediate.UnitKind {
			names = append(names, inv.GroupsOf(on.Name)...)
		}
	}
	own := slices.DeleteFunc(slices.Clone(steps), func(s remediate.Step) bool { return !slices.Contains(touches, s.On) })
	var all []guard.Group
	for _, name := range unique(names) {
		all = append(all, guard.GroupOf(name, inv.Groups[name], own, health))
	}
	return all
}

// openFor are the breakers that are open of those, or of the playbook: by the log, or
// because it will say so in a moment.
func (e *Engine) openFor(touches []remediate.Target, playbook string) []remediate.Breaker {
	var open []remediate.Breaker
	add := func(b remediate.Breaker) {
		if known, ok := e.ledger.Breakers[b.Key()]; ok {
			open = append(open, known)
		} else if tripped, ok := e.tripped(b); ok {
			open = append(open, tripped)
		}
	}
	for _, on := range touches {
		add(remediate.Breaker{On: on})
	}
	add(remediate.Breaker{Playbook: playbook})
	return open
}
