package main

import "testing"

func TestOnlyTheNamedValuesAreAdded(t *testing.T) {
	const stat = "active_file 1\ntotal_inactive_file 20\ntotal_active_file 300\nmapped_file 4000\n"
	if got := sumOf(stat, "total_inactive_file", "total_active_file"); got != 320 {
		t.Errorf("got %d, want 320", got)
	}
}
