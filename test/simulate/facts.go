package simulate

import (
	"maps"
	"slices"

	"nightshift/remediate"
)

// comesBack holds what a start read to the fold of all that was ever stored.
func (o *observer) comesBack(ledger *remediate.Ledger) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes("a process starts")
	o.w.count.starts++
	was, is := facts(o.shadow), facts(ledger)
	for _, what := range slices.Sorted(maps.Keys(was)) {
		if was[what] != is[what] {
			o.holds(foldIsState, false, "%s was\n%s\nand is\n%s", what, was[what], is[what])
		}
	}
	o.holds(foldIsState, true, "")
}

// facts are what a ledger knows, each as text: all but what time alone takes away.
func facts(l *remediate.Ledger) map[string]string {
	known := map[string]string{}
	add := func(what string, value any) {
		text, err := remediate.EncodeJSON(value)
		if err != nil {
			text = []byte(err.Error())
		}
		known[what] = string(text)
	}
	for _, i := range l.Live() {
		add("incident "+string(i.ID), i)
	}
	add("cursor", l.Cursor)
	add("freeze", l.Freeze)
	add("attempts", l.Attempts)
	add("ours", l.Ours)
	add("epoch", l.Epoch)
	add("aside", l.Aside)
	add("breakers", l.Breakers)
	add("closed breakers", l.Closed)
	add("autonomy", l.Autonomy)
	add("storm", l.Storm)
	add("sources", l.Sources)
	return known
}
