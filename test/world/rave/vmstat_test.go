package main

import "testing"

func TestOnlyTheKillsAreTheSlices(t *testing.T) {
	if got := vmstatOf("pgfault 7\noom_kill 99\npgpgin 3\n", 2); got != "pgfault 7\noom_kill 2\npgpgin 3\n" {
		t.Errorf("got %q", got)
	}
}
