package qemu_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/qemu"
)

func TestARollbackPutsTheOverlayAsideAndTheGuestOnTheLastKnownGood(t *testing.T) {
	s := newSite(t)
	s.write(s.path("live", s.on("system")), "system broken by an update")
	s.write(s.path("live/data.qcow2"), "data")
	s.start()
	bad := s.on("system")

	s.swap(s.source(remediate.LastKnownGood, nil))

	if got := s.reads(s.path("live/system")); got != "system good" {
		t.Errorf("the disk reads %q", got)
	}
	aside := strings.TrimSuffix(bad, ".qcow2") + ".aside-20261123T154500Z.qcow2"
	if got := s.reads(s.path("live", aside)); got != "system broken by an update" {
		t.Errorf("what was put aside reads %q", got)
	}
	if got := s.reads(s.path("live/data.qcow2")); got != "data" {
		t.Errorf("the disk that stays reads %q", got)
	}
	if state, _ := s.keeper.State(s.ctx(), unit); !state.Active {
		t.Error("it does not run")
	}
	epoch, err := os.ReadFile(s.path("live/smbios"))
	s.must(err)
	if !strings.HasPrefix(string(epoch), "io.systemd.credential:nightshift.epoch=01") {
		t.Errorf("smbios is %q", epoch)
	}
}

func TestWhatWasPutAsideComesBackItself(t *testing.T) {
	s := newSite(t)
	s.write(s.path("live", s.on("system")), "system broken by an update")
	s.start()
	first := s.on("system")
	before := s.source(remediate.BeforeSwap, nil)
	s.swap(s.source(remediate.LastKnownGood, nil))
	second := s.on("system")

	s.swap(before)
	if got := s.on("system"); got != first {
		t.Fatalf("it is on %s; want %s", got, first)
	}
	s.swap(s.source(remediate.SetAside, nil))
	if got := s.on("system"); got != second {
		t.Fatalf("it is on %s; want %s", got, second)
	}
}

func TestALiveCheckpointIsWentBackTo(t *testing.T) {
	s := newSite(t)
	s.write(s.path("live", s.on("system")), "system before the update")
	s.start()
	frozen := s.on("system")
	s.do(remediate.VerbCheckpoint, s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "pre-update"}))
	if s.on("system") == frozen {
		t.Fatal("it still writes to what was frozen")
	}
	if _, err := os.Stat(s.path("live/hold")); err == nil {
		t.Error("the hold is still there")
	}
	s.do(remediate.VerbPowerDown, nil)
	s.write(s.path("live", s.on("system")), "system after the update")
	s.do(remediate.VerbBoot, nil)

	s.swap(s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "pre-update"}))
	if got := s.reads(s.path("live/system")); got != "system before the update" {
		t.Errorf("the disk reads %q", got)
	}
}

func TestAnImageIsDeployed(t *testing.T) {
	s := newSite(t)
	s.img("create", "-q", "-f", "qcow2", s.path("incoming/v2.qcow2"), "8M")
	s.write(s.path("incoming/v2.qcow2"), "version 2")
	s.start()
	asked := &remediate.Asked{Image: s.path("incoming/v2.qcow2")}
	s.do(remediate.VerbCheckpoint, s.source(remediate.WasAsked, asked))
	s.swap(s.source(remediate.WasAsked, asked))
	if got := s.reads(s.path("live/system")); got != "version 2" {
		t.Errorf("the disk reads %q", got)
	}
	all, err := s.vm.Checkpoints(s.ctx())
	s.must(err)
	if all[0].Name != "auto-20261123t154500z" || !all[1].Good {
		t.Errorf("checkpoints are %+v", all)
	}
}

func TestAllDisksThatGoBackGoTogether(t *testing.T) {
	s := newSite(t, func(o *qemu.Options) { o.Disks["etc"] = qemu.GoesBack })
	s.start()
	s.do(remediate.VerbCheckpoint, s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "pair"}))
	s.swap(s.source(remediate.LastKnownGood, nil))
	for _, disk := range []string{"system", "etc"} {
		if got := s.reads(s.path("live", disk)); got != disk+" good" {
			t.Errorf("%s reads %q", disk, got)
		}
	}
	s.swap(s.source(remediate.SetAside, nil))
}

func TestWhatIsKeptOfThePutAside(t *testing.T) {
	s := newSite(t, func(o *qemu.Options) { o.KeepAside = qemu.Retention{Count: 2, Age: time.Hour} })
	for range 4 {
		s.swap(s.source(remediate.LastKnownGood, nil))
	}
	removed, err := s.vm.Prune(s.ctx())
	s.must(err)
	if len(removed) != 2 {
		t.Errorf("removed %v; want the two oldest", removed)
	}
	s.source(remediate.SetAside, nil)
}

// TestAClockThatJumpsAheadRemovesNothingAtOnce: everything is old then.
func TestAClockThatJumpsAheadRemovesNothingAtOnce(t *testing.T) {
	up := 7 * 24 * time.Hour
	s := newSite(t, func(o *qemu.Options) {
		o.KeepAside, o.Up = qemu.Retention{Count: 5, Age: time.Hour}, func() time.Duration { return up }
	})
	for range 4 {
		s.swap(s.source(remediate.LastKnownGood, nil))
	}
	asides, err := filepath.Glob(s.path("live/*.aside-*.qcow2")) // of one ULID after the other: the oldest first
	s.must(err)
	prune := func(want ...string) {
		t.Helper()
		removed, err := s.vm.Prune(s.ctx())
		if err != nil || !slices.Equal(removed, want) {
			t.Errorf("removed %v, %v; want %v", removed, err, want)
		}
	}
	s.now = s.now.AddDate(10, 0, 0)
	prune()
	up += 23 * time.Hour
	prune()
	up += time.Hour
	prune(filepath.Base(asides[0]))
	prune()
	s.vm = s.vm.Again(s.o) // a new inventory is no new day
	up += 24 * time.Hour
	prune(filepath.Base(asides[1]))
	up += 24 * time.Hour
	prune(filepath.Base(asides[2]))
	up += 24 * time.Hour
	prune()
	s.source(remediate.SetAside, nil)
	s.again()
	prune() // by an agent that has just started
}

// TestCheckpointsThatNothingLiesOnAreNotKeptForEver: those of a line of images that was
// left go from its end on, and those below what runs stay however many there are.
func TestCheckpointsThatNothingLiesOnAreNotKeptForEver(t *testing.T) {
	s := newSite(t, func(o *qemu.Options) { o.KeepAside.Count, o.KeepCheckpoints = 1, 2 })
	take := func(names ...string) {
		for _, name := range names {
			s.now = s.now.Add(time.Minute)
			s.do(remediate.VerbCheckpoint, s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: name}))
		}
	}
	prune := func(want ...string) {
		t.Helper()
		_, err := s.vm.Prune(s.ctx())
		s.must(err)
		all, err := s.vm.Checkpoints(s.ctx())
		s.must(err)
		var left []string
		for _, c := range all {
			if left = append(left, c.Name); c.Wrong != "" {
				t.Errorf("%s: %s", c.Name, c.Wrong)
			}
		}
		if slices.Sort(left); !slices.Equal(left, want) {
			t.Errorf("left are %v, want %v", left, want)
		}
	}
	take("a1", "a2", "a3")
	prune("a1", "a2", "a3", "good") // all are below what runs
	s.swap(s.source(remediate.LastKnownGood, nil))
	take("b1")
	prune("a1", "a2", "a3", "b1", "good") // what was put aside last lies on them
	s.swap(s.source(remediate.LastKnownGood, nil))
	prune("a1", "a2", "b1", "good")
	prune("a1", "b1", "good")
	prune("a1", "b1", "good")
	take("good2")
	s.swap(s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "b1"}))
	prune("b1", "good", "good2")
}
