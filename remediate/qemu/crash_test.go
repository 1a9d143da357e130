package qemu_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/qemu"
)

// killedAt does a step in an agent that ends at the nth time that it reaches a point,
// and reports whether it came there. The next agent finds what it left.
func (s *site) killedAt(point string, nth int, do remediate.Verb, image *remediate.Image) (before remediate.Witness, killed bool) {
	s.t.Helper()
	s.again(func(o *qemu.Options) {
		o.Reached = func(at string) {
			if at != point {
				return
			}
			if nth--; nth == 0 {
				panic(errKilled)
			}
		}
	})
	defer s.again()
	defer func() {
		if r := recover(); r != nil {
			if err, ok := r.(error); !ok || !errors.Is(err, errKilled) {
				panic(r)
			}
			killed = true
		}
	}()
	action, what := s.vm.Actions()[do], step(do, image)
	before, err := action.Witness(s.ctx(), what)
	s.must(err)
	_, err = action.Do(s.ctx(), what, before)
	s.must(err)
	return before, false
}

// forward is what the engine does after a crash: it asks whether the step happened, and
// does it again when it did not.
func (s *site) forward(do remediate.Verb, image *remediate.Image, before remediate.Witness) {
	s.t.Helper()
	switch r, err := s.vm.Actions()[do].Happened(s.ctx(), step(do, image), before); {
	case errors.Is(err, remediate.ErrNotDone):
		s.do(do, image)
	case err != nil || r.Result != remediate.Done:
		s.t.Fatalf("%s: %+v, %v", do, r, err)
	}
	if r, err := s.vm.Actions()[do].Happened(s.ctx(), step(do, image), before); do != remediate.VerbCheckpoint && err != nil && !errors.Is(err, remediate.ErrNotDone) {
		s.t.Fatalf("%s, asked once more: %+v, %v", do, r, err)
	}
}

func TestAKillAtAnyPointOfARollbackGoesForward(t *testing.T) {
	points := []struct {
		point string
		nth   int
		do    remediate.Verb
	}{
		{"power-down.held", 1, remediate.VerbPowerDown},
		{"power-down.ended", 1, remediate.VerbPowerDown},
		{"swap.planned", 1, remediate.VerbSwap},
		{"swap.made", 1, remediate.VerbSwap},
		{"swap.made", 2, remediate.VerbSwap},
		{"swap.prepared", 1, remediate.VerbSwap},
		{"swap.flipped", 1, remediate.VerbSwap},
		{"swap.flipped", 2, remediate.VerbSwap},
		{"swap.aside", 1, remediate.VerbSwap},
		{"swap.aside", 2, remediate.VerbSwap},
		{"boot.named", 1, remediate.VerbBoot},
		{"boot.released", 1, remediate.VerbBoot},
		{"boot.started", 1, remediate.VerbBoot},
	}
	for _, p := range points {
		t.Run(p.point+strings.Repeat("+", p.nth-1), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(o *qemu.Options) { o.Disks["etc"] = qemu.GoesBack })
			s.write(s.path("live", s.on("system")), "system broken by an update")
			s.start()
			image := s.source(remediate.LastKnownGood, nil)
			for _, do := range []remediate.Verb{remediate.VerbPowerDown, remediate.VerbSwap, remediate.VerbBoot} {
				var of *remediate.Image
				if do == remediate.VerbSwap {
					of = image
				}
				if do != p.do {
					s.do(do, of)
					continue
				}
				before, killed := s.killedAt(p.point, p.nth, do, of)
				if !killed {
					t.Fatalf("it never came to %s", p.point)
				}
				s.forward(do, of, before)
			}
			s.wantGood()
			if got := s.keeper.Starts(); got != 2 {
				t.Errorf("QEMU was started %d times; want twice", got)
			}
		})
	}
}

// wantGood is a VM that runs on the last-known-good, with its overlays put aside.
func (s *site) wantGood() {
	s.t.Helper()
	for _, disk := range s.goBack() {
		if got := s.reads(s.path("live", disk)); got != disk+" good" {
			s.t.Errorf("%s reads %q", disk, got)
		}
	}
	for _, gone := range []string{"hold", "swap.json"} {
		if _, err := os.Lstat(s.path("live", gone)); err == nil {
			s.t.Errorf("%s is still there", gone)
		}
	}
	aside, err := filepath.Glob(s.path("live/system-*.aside-*.qcow2"))
	s.must(err)
	if len(aside) != 1 || s.reads(aside[0]) != "system broken by an update" {
		s.t.Errorf("put aside: %v", aside)
	}
	overlays, err := filepath.Glob(s.path("live/*-*.qcow2"))
	s.must(err)
	if want := 2 * len(s.goBack()); len(overlays) != want {
		s.t.Errorf("there are overlays %v; want %d", overlays, want)
	}
	if state, _ := s.keeper.State(s.ctx(), unit); !state.Active {
		s.t.Error("it does not run")
	}
}

func TestAKillAtAnyPointOfACheckpointGoesForward(t *testing.T) {
	for _, point := range []string{"checkpoint.held", "checkpoint.made", "checkpoint.added", "checkpoint.frozen", "checkpoint.flipped", "checkpoint.entered"} {
		for _, qemuToo := range []bool{false, true} {
			name := point
			if qemuToo {
				name += " and QEMU is killed too"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, func(o *qemu.Options) { o.Disks["etc"] = qemu.GoesBack })
				s.write(s.path("live", s.on("system")), "system frozen")
				s.start()
				image := &remediate.Image{Name: "pre-update"}
				before, killed := s.killedAt(point, 1, remediate.VerbCheckpoint, image)
				if !killed {
					t.Fatalf("it never came to %s", point)
				}
				if qemuToo {
					s.keeper.Kill(unit)
				}
				s.forward(remediate.VerbCheckpoint, image, before)
				if _, err := os.Lstat(s.path("live/hold")); err == nil {
					t.Error("the hold is still there")
				}
				c := s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "pre-update"})
				overlays, err := filepath.Glob(s.path("live/*-*.qcow2"))
				s.must(err)
				if len(overlays) != 4 {
					t.Errorf("there are overlays %v; want 4", overlays)
				}
				s.swap(c)
				if got := s.reads(s.path("live/system")); got != "system frozen" {
					t.Errorf("the disk reads %q", got)
				}
			})
		}
	}
}

func TestABootEndsWhatASwapLeft(t *testing.T) {
	for _, c := range []struct{ point, reads string }{
		{"swap.made", "system broken by an update"}, // back: no disk was touched
		{"swap.prepared", "system good"},
		{"swap.flipped", "system good"},
		{"swap.aside", "system good"},
	} {
		t.Run(c.point, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.write(s.path("live", s.on("system")), "system broken by an update")
			s.start()
			image := s.source(remediate.LastKnownGood, nil)
			s.do(remediate.VerbPowerDown, nil)
			s.killedAt(c.point, 1, remediate.VerbSwap, image)
			s.do(remediate.VerbBoot, nil)
			if got := s.reads(s.path("live/system")); got != c.reads {
				t.Errorf("the disk reads %q; want %q", got, c.reads)
			}
			if _, err := os.Lstat(s.path("live/swap.json")); err == nil {
				t.Error("the plan is still there")
			}
		})
	}
}

func TestTheHoldKeepsAHostThatRebootsFromStartingIt(t *testing.T) {
	s := newSite(t)
	s.start()
	s.killedAt("power-down.held", 1, remediate.VerbPowerDown, nil)
	s.keeper.Kill(unit)
	s.start()
	if state, _ := s.keeper.State(s.ctx(), unit); state.Active {
		t.Error("it runs")
	}
}
