package qemu_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nightshift/remediate"
)

// points are where an agent may be killed in a rung that goes back.
var points = map[remediate.Verb][]string{
	remediate.VerbPowerDown:  {"power-down.held", "power-down.ended"},
	remediate.VerbSwap:       {"swap.planned", "swap.made", "swap.prepared", "swap.flipped", "swap.aside"},
	remediate.VerbBoot:       {"boot.named", "boot.released", "boot.started"},
	remediate.VerbCheckpoint: {"checkpoint.held", "checkpoint.made", "checkpoint.added", "checkpoint.frozen", "checkpoint.flipped", "checkpoint.entered"},
}

// Whatever is done, and wherever an agent or a QEMU is killed in it: every image that
// another lies on is there, each disk's link leads to one overlay that stands in order,
// no overlay that ever was in use is lost, and never do two QEMUs run.
func TestNoSequenceOfSwapsAndKillsLosesAnImage(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newSite(t)
		s.start()
		known := map[string]bool{}
		names := 0
		kill := func(do remediate.Verb, image *remediate.Image) {
			point := rapid.SampledFrom(append([]string{"none"}, points[do]...)).Draw(r, string(do)+" is killed at")
			before, killed := s.killedAt(point, 1, do, image)
			if !killed {
				return
			}
			if do != remediate.VerbBoot && rapid.IntRange(0, 3).Draw(r, "QEMU too") == 0 {
				s.keeper.Kill(unit)
			}
			s.forward(do, image, before)
		}
		swap := func(image *remediate.Image) {
			kill(remediate.VerbPowerDown, nil)
			if rapid.IntRange(0, 4).Draw(r, "gives up") == 0 {
				s.killedAt(rapid.SampledFrom(points[remediate.VerbSwap]).Draw(r, "swap is left at"), 1, remediate.VerbSwap, image)
			} else {
				kill(remediate.VerbSwap, image)
			}
			kill(remediate.VerbBoot, nil)
		}
		acts := map[string]func(*rapid.T){
			"rollback": func(*rapid.T) { swap(s.source(remediate.LastKnownGood, nil)) },
			"undo": func(*rapid.T) {
				if image, ok := s.vm.Machine(s.ctx(), nil).Images[remediate.SetAside]; ok {
					swap(&image)
				}
			},
			"checkpoint": func(*rapid.T) {
				names++
				image := &remediate.Image{Name: "c" + strings.Repeat("x", names)}
				if all, err := s.vm.Checkpoints(s.ctx()); err != nil || len(all) < 5 {
					kill(remediate.VerbCheckpoint, image)
				}
			},
			"back to a checkpoint": func(*rapid.T) {
				all, err := s.vm.Checkpoints(s.ctx())
				s.must(err)
				swap(s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: rapid.SampledFrom(all).Draw(r, "checkpoint").Name}))
			},
			"": func(*rapid.T) { s.wantInOrder(known) },
		}
		r.Repeat(acts)
		s.keeper.Kill(unit)
	})
}

// wantInOrder holds the images against the promise. known are the overlays that were
// seen in use, by their ULIDs.
func (s *site) wantInOrder(known map[string]bool) {
	s.t.Helper()
	known[id(s.on("system"))] = true
	files, err := filepath.Glob(s.path("live/system-*.qcow2"))
	s.must(err)
	for known := range known {
		if n := len(slices.DeleteFunc(slices.Clone(files), func(f string) bool { return id(f) != known })); n != 1 {
			s.t.Fatalf("the overlay %s is there %d times: %v", known, n, files)
		}
	}
	for _, file := range files {
		s.img("info", "-U", "--backing-chain", file)
	}
	for _, left := range []string{"hold", "swap.json"} {
		if _, err := os.Lstat(s.path("live", left)); err == nil {
			s.t.Fatalf("%s is still there", left)
		}
	}
	links, err := filepath.Glob(s.path("live/*"))
	s.must(err)
	links = slices.DeleteFunc(links, func(f string) bool {
		info, err := os.Lstat(f)
		return err != nil || info.Mode().Type() != os.ModeSymlink
	})
	if len(links) != 1 {
		s.t.Fatalf("there are links %v", links)
	}
	out, err := os.ReadFile(s.path("live/system"))
	if err != nil || len(out) == 0 {
		s.t.Fatalf("the link leads nowhere: %v", err)
	}
}

// id is the ULID in the name of an overlay.
func id(file string) string { return strings.TrimPrefix(filepath.Base(file), "system-")[:26] }
