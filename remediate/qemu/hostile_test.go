package qemu_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/qemu"
)

// TestAPromotionFollowsNoLinkThatOthersMayChange has QEMU's user, who may write in live/,
// let a directory there lead to good/, and elsewhere once root has looked: to an image
// whose data is a file that only root can read.
func TestAPromotionFollowsNoLinkThatOthersMayChange(t *testing.T) {
	s := newSite(t)
	secret := s.path("shadow")
	s.must(os.WriteFile(secret, []byte(strings.Repeat("the password of root.", 50_000)), 0o600))
	s.must(os.Mkdir(s.path("evil"), 0o755))
	s.img("create", "-q", "-f", "qcow2", "-o", "data_file_raw=on,data_file="+s.path("evil/data"), s.path("evil/good.system.qcow2"), "512K")
	s.must(os.Remove(s.path("evil/data")))
	s.must(os.Symlink(secret, s.path("evil/data")))

	s.must(os.Symlink(s.path("good"), s.path("live/sub")))
	s.must(os.Remove(s.path("live", s.on("system"))))
	s.overlay("system", "01J00000000000000000000000", s.path("live/sub/good.system.qcow2"))
	s.do(remediate.VerbCheckpoint, s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "pre-update"}))

	led := false
	_, err := qemu.Promote(s.ctx(), s.promotion("pre-update"), func(int64, int64) {
		if led {
			return
		}
		led = true
		s.must(os.Remove(s.path("live/sub")))
		s.must(os.Symlink(s.path("evil"), s.path("live/sub")))
	})
	if !led {
		t.Fatal("nothing was copied")
	}
	t.Logf("the promotion said: %v", err)
	kept, err := filepath.Glob(s.path("good/*"))
	s.must(err)
	if len(kept) != 3 {
		t.Errorf("what was promoted in vain stays: %v", kept)
	}
	for _, path := range kept {
		text, err := os.ReadFile(path)
		s.must(err)
		if bytes.Contains(text, []byte("the password of root")) {
			t.Errorf("%s, which everybody may read, holds what only root could", path)
		}
	}
}

// TestAnImageThatOthersLieOnIsNotPutInPlace: a guest that ran on it would spoil all of
// them.
func TestAnImageThatOthersLieOnIsNotPutInPlace(t *testing.T) {
	s := newSite(t)
	s.start()
	before, was := s.source(remediate.BeforeSwap, nil), s.on("system")
	s.do(remediate.VerbCheckpoint, s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "pre-update"}))
	now := s.on("system")
	s.do(remediate.VerbPowerDown, nil)
	_, err := s.try(remediate.VerbSwap, before)
	wantError(t, err, was, now+" lies on it")
	if got := s.on("system"); got != now {
		t.Errorf("the disk is on %s, and was on %s", got, now)
	}
	s.do(remediate.VerbBoot, nil)
}

// TestARollbackOfAVMWhoseImageIsGone: what was removed by mistake must not keep the VM
// from going back.
func TestARollbackOfAVMWhoseImageIsGone(t *testing.T) {
	s := newSite(t)
	s.start()
	s.must(os.Remove(s.path("live", s.on("system"))))
	s.swap(s.source(remediate.LastKnownGood, nil))
	if got := s.reads(s.path("live/system")); got != "system good" {
		t.Errorf("the disk reads %q", got)
	}
}

// TestWhatLiesOnNothingAnyMoreHoldsUpNoRollback: below an overlay that was put aside
// long ago somebody removed the image that it was deployed on. Nothing is deleted while
// that is so: it could come back, and lie on anything.
func TestWhatLiesOnNothingAnyMoreHoldsUpNoRollback(t *testing.T) {
	s := newSite(t, func(o *qemu.Options) { o.KeepAside = qemu.Retention{Count: 1} })
	v1 := s.path("incoming/v1.qcow2")
	s.img("create", "-q", "-f", "qcow2", v1, "8M")
	s.swap(s.source(remediate.WasAsked, &remediate.Asked{Image: v1}))
	s.swap(s.source(remediate.LastKnownGood, nil))
	s.must(os.Remove(v1))
	s.swap(s.source(remediate.LastKnownGood, nil))
	removed, err := s.vm.Prune(s.ctx())
	wantError(t, err, v1, "missing")
	if len(removed) > 0 {
		t.Errorf("removed %v", removed)
	}
}

// TestAnImageIsInUseByWhateverNameItIsCalled: by way of a symlink, too.
func TestAnImageIsInUseByWhateverNameItIsCalled(t *testing.T) {
	s := newSite(t, func(o *qemu.Options) { o.KeepAside = qemu.Retention{Count: 1} })
	for range 3 {
		s.swap(s.source(remediate.LastKnownGood, nil))
	}
	asides, err := filepath.Glob(s.path("live/*.aside-*.qcow2"))
	s.must(err)
	other := short(t) + "/images"
	s.must(os.Symlink(s.dir, other))
	s.overlay("system", "01J00000000000000000000009", other+"/live/"+filepath.Base(asides[0]))
	_, err = s.vm.Prune(s.ctx())
	wantError(t, err, "lies on it")
	if _, err := os.Stat(asides[0]); err != nil {
		t.Error(err)
	}
}

// TestABootThatChangedNothingIsNotRefused: an image that the agent would not deploy ran
// before it was powered down, and runs again.
func TestABootThatChangedNothingIsNotRefused(t *testing.T) {
	s := newSite(t)
	s.must(os.Chown(s.path("live", s.on("system")), 4711, 0))
	s.start()
	s.do(remediate.VerbPowerDown, nil)
	s.do(remediate.VerbBoot, nil)
}

func TestAnImageIsNotDeployedByANameThatMeansSomethingElse(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"before", "aside-20261123T154500Z"} {
		image := s.path("incoming", name)
		s.img("create", "-q", "-f", "qcow2", image, "8M")
		m := s.vm.Machine(s.ctx(), &remediate.Asked{Image: image})
		wantError(t, errors.New(m.Lacks[remediate.WasAsked]), image, "another name")
	}
}

// TestAGuestThatShoutsFillsNoDisk: neither while it runs, nor while it is proved.
func TestAGuestThatShoutsFillsNoDisk(t *testing.T) {
	s := newSite(t)
	shout := strings.Repeat("I am here. ", 2<<20)
	for _, log := range []string{"live/console.log", "live/proof/console.log"} {
		f, err := os.OpenFile(s.path(log), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o660)
		s.must(err)
		defer f.Close()
		_, err = f.WriteString(shout)
		s.must(err)
		s.must(s.vm.TrimConsole())
		_, err = f.WriteString("the last line\n") // as QEMU, which has it open
		s.must(err)
		info, err := f.Stat()
		s.must(err)
		if left := info.Sys().(*syscall.Stat_t).Blocks * 512; left > 2<<20 {
			t.Errorf("%s takes %d bytes", log, left)
		}
	}
	e := s.vm.See(s.ctx(), remediate.Look{What: remediate.SeeConsole})
	if !strings.HasSuffix(e.Text, "I am here. the last line") || strings.Contains(e.Text, "\x00") {
		t.Errorf("%.80q, %s", e.Text, e.Error)
	}
	s.must(s.vm.TrimConsole())
}

// TestWhatAGuestSaysIsNoImage: the console of a proof, that the guest made look like an
// image which lies on a disk in use.
func TestWhatAGuestSaysIsNoImage(t *testing.T) {
	s := newSite(t)
	s.img("create", "-q", "-u", "-f", "qcow2", "-b", s.path("live", s.on("system")), "-F", "qcow2", s.path("live/proof/console.log"), "1M")
	s.source(remediate.LastKnownGood, nil)
}

// TestAPowerDownThatWasBegunIsNotLeftHalfWay: the agent was killed once it had held the
// machine and maybe pressed the button. Without a hold nothing was begun, and nothing is.
func TestAPowerDownThatWasBegunIsNotLeftHalfWay(t *testing.T) {
	s := newSite(t)
	s.start()
	before, _ := s.killedAt("power-down.held", 1, remediate.VerbPowerDown, nil)
	action, what := s.vm.Actions()[remediate.VerbPowerDown], step(remediate.VerbPowerDown, nil)
	r, err := action.Happened(s.ctx(), what, before)
	if state, _ := s.keeper.State(s.ctx(), unit); err != nil || r.Result != remediate.Done || state.Active {
		t.Errorf("%+v, %v; it runs: %t", r, err, state.Active)
	}
	s.do(remediate.VerbBoot, nil)
	if _, err := action.Happened(s.ctx(), what, before); !errors.Is(err, remediate.ErrNotDone) {
		t.Errorf("happened: %v", err)
	}
	if state, _ := s.keeper.State(s.ctx(), unit); !state.Active {
		t.Error("it does not run")
	}
}

// TestANewInventoryWaitsForWhatIsUnderWay: a reload in the middle of a swap.
func TestANewInventoryWaitsForWhatIsUnderWay(t *testing.T) {
	var s *site
	var pruned error
	s = newSite(t, func(o *qemu.Options) {
		o.Reached = func(point string) {
			if point != "swap.planned" {
				return
			}
			soon, cancel := context.WithTimeout(s.ctx(), 100*time.Millisecond)
			defer cancel()
			_, pruned = s.vm.Again(s.o).Prune(soon)
		}
	})
	s.swap(s.source(remediate.LastKnownGood, nil))
	wantError(t, pruned, "cannot wait for the end of another act on the disks")
}

// TestAJournalThatDoesNotAnswerHoldsUpNoRollback: who stopped a unit is told by the
// system's journal, and that it is down by systemd.
func TestAJournalThatDoesNotAnswerHoldsUpNoRollback(t *testing.T) {
	s := newSite(t)
	s.start()
	good := s.source(remediate.LastKnownGood, nil)
	s.keeper.ByPerson(unit, errors.New("the journal takes its time"))
	s.swap(good)
	s.keeper.Kill(unit)
	s.keeper.ByPerson(unit, errors.New("the journal takes its time"))
	if now, err := s.vm.Situation(s.ctx()); err == nil || now.Known {
		t.Errorf("it is known how it stands: %+v", now)
	}
}
