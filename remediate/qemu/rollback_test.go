package qemu_test

import (
	"os"
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
	s.now = s.now.Add(100 * time.Hour)
	if removed, err = s.vm.Prune(s.ctx()); err != nil || len(removed) != 1 {
		t.Errorf("removed %v, %v; want all but the newest", removed, err)
	}
	s.source(remediate.SetAside, nil)
}
