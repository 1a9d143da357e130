package remediate

import (
	"fmt"
	"slices"

	"nightshift/alerts"
)

// ofVM are the verbs that are done to a virtual machine.
var ofVM = []Verb{VerbCont, VerbReset, VerbPowerDown, VerbSwap, VerbBoot, VerbCheckpoint, VerbPromote, VerbProve}

// OnVM reports whether the ladder acts on a virtual machine.
func (p Playbook) OnVM() bool {
	return slices.ContainsFunc(p.Ladder, func(r Rung) bool {
		return slices.ContainsFunc(r.Do, func(m Move) bool { return slices.Contains(ofVM, m.Do) })
	})
}

// Wanted is what an incident of the playbook is about that a person starts. They name
// it only where the playbook leaves that to them; the zero target is the host, or the
// only VM, then. The error is in words for that person.
func (p Playbook) Wanted(named Target, inv Inventory) (Target, error) {
	rule := p.Target
	switch {
	case rule.UnitLabel != "" || rule.VMLabel != "":
		return Target{}, fmt.Errorf("cannot start %s: what it is about comes from the label %q of an alert, so only an alert starts it", p.Name, rule.UnitLabel+rule.VMLabel)
	case rule.Asked:
		return p.asked(named, inv)
	}
	found := rule.find(alerts.Alert{}, inv)
	switch {
	case found.IsZero():
		return Target{}, fmt.Errorf("cannot start %s: the inventory does not have what it is about", p.Name)
	case !named.IsZero() && named != found:
		return Target{}, fmt.Errorf("cannot start %s for %s: it is about %s", p.Name, named, found)
	}
	return found, nil
}

// asked finds the target that a person named, or that is meant where they named none.
func (p Playbook) asked(named Target, inv Inventory) (Target, error) {
	onVM := p.OnVM()
	switch {
	case named.IsZero() && !onVM:
		return Host(inv.Host), nil
	case named.IsZero() && len(inv.VMs) == 1:
		for name := range inv.VMs {
			return VM(name), nil
		}
	case named.IsZero():
		return Target{}, fmt.Errorf("cannot start %s without a virtual machine: name one of the inventory's %d, as vm:NAME", p.Name, len(inv.VMs))
	case !inv.has(named):
		return Target{}, fmt.Errorf("cannot start %s: the inventory has no %s", p.Name, named)
	case onVM != (named.Kind == VMKind):
		return Target{}, fmt.Errorf("cannot start %s for %s: it is about %s", p.Name, named, map[bool]string{true: "a virtual machine", false: "this host or one of its units"}[onVM])
	}
	return named, nil
}

// has reports whether the inventory names a target.
func (inv Inventory) has(t Target) bool {
	switch t.Kind {
	case HostKind:
		return t.Name == inv.Host
	case VMKind:
		_, ok := inv.FindVM(t.Name)
		return ok
	}
	_, ok := inv.Find(t.Name)
	return ok
}
