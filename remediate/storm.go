package remediate

import (
	"fmt"
	"maps"
	"slices"
)

const (
	// largeGroup is how many units a group must have to have a storm of its own, and
	// groupShare and groupLeast bound how many of them may break at once.
	largeGroup = 10
	groupShare = 5 // a fifth
	groupLeast = 3
)

// IsStorm says why what broke at once is more than single troubles, if it is. On are
// the targets of live incidents: what needs one of those, or one that broke too, is no
// trouble of its own.
func (inv Inventory) IsStorm(broke, on []Target) (why string, storm bool) {
	alone := inv.unrelated(broke, on)
	if limit := inv.Limits.Storm; len(alone) >= limit.Targets {
		return fmt.Sprintf("%d unrelated targets broke within %s", len(alone), limit.Per), true
	}
	for _, name := range slices.Sorted(maps.Keys(inv.Groups)) {
		group := inv.Groups[name]
		most := max(groupLeast, len(group.Units)/groupShare)
		down := 0
		for _, t := range broke {
			if t.Kind == UnitKind && slices.Contains(group.Units, t.Name) {
				down++
			}
		}
		if len(group.Units) >= largeGroup && down > most {
			return fmt.Sprintf("%d of the %d units of %s broke within %s", down, len(group.Units), name, inv.Limits.Storm.Per), true
		}
	}
	return "", false
}

// unrelated leaves out what needs another that broke, and what contains one.
func (inv Inventory) unrelated(broke, on []Target) []Target {
	var alone []Target
	for _, t := range broke {
		needs := inv.NeedsOf(t.Name)
		hangs := func(other Target) bool {
			return t.Kind == UnitKind && other.Kind == UnitKind && slices.Contains(needs, other.Name)
		}
		contains := func(other Target) bool { return t != other && t.Contains(other) }
		if !slices.ContainsFunc(broke, hangs) && !slices.ContainsFunc(on, hangs) && !slices.ContainsFunc(broke, contains) {
			alone = append(alone, t)
		}
	}
	return alone
}
