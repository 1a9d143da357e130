package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestEachPatchApplies keeps the patches up with the sources.
func TestEachPatchApplies(t *testing.T) {
	patches, err := filepath.Glob("*.patch")
	if err != nil || len(patches) < 12 {
		t.Fatalf("found %d patches (%v), want at least 12", len(patches), err)
	}
	for _, patch := range patches {
		cmd := exec.Command("git", "apply", "--check", "--whitespace=nowarn", filepath.Join("test", "mutants", patch))
		cmd.Dir = filepath.Join("..", "..")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s does not apply: %s", patch, out)
		}
	}
}

func TestOnlyABreachIsOne(t *testing.T) {
	for out, want := range map[string]mutant{
		"world_hours=3.0 breaches=0 seed=1": {},
		"world_hours=3.0 breaches=1 seed=1\nworld 0 broke an invariant; again: make\n  one log: it forks": {caught: true, by: "one log: it forks"},
	} {
		var m mutant
		if m.reads(out); m != want {
			t.Errorf("%q reads as %+v", out, m)
		}
	}
	var m mutant
	if m.reads("panic: all is lost"); m.err == nil || m.caught {
		t.Error("a panic counts as a breach that was found")
	}
}
