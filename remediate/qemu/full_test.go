package qemu_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/qemu"
)

func TestAFullDiskIsSeenBeforeAnythingIsBegun(t *testing.T) {
	s := newSite(t)
	image := s.source(remediate.LastKnownGood, nil)
	s.do(remediate.VerbPowerDown, nil)
	was := s.on("system")
	s.small("48m")
	_, err := s.try(remediate.VerbSwap, image)
	wantError(t, err, "cannot make new overlays", "bytes free and needs", "make room first")
	if s.on("system") != was {
		t.Error("the disk was exchanged")
	}
	s.do(remediate.VerbBoot, nil)
	s.keeper.Kill(unit)
}

func TestADiskThatFillsUpInTheMiddleLeavesTheOldStateOrGoesForward(t *testing.T) {
	for point, goesOn := range map[string]bool{"swap.planned": false, "swap.made": false, "swap.prepared": true} {
		t.Run(point, func(t *testing.T) {
			s := newSite(t)
			image := s.source(remediate.LastKnownGood, nil)
			s.do(remediate.VerbPowerDown, nil)
			was := s.on("system")
			s.small("80m")
			s.again(func(o *qemu.Options) {
				o.Reached = func(at string) {
					if at == point {
						s.fill()
					}
				}
			})
			_, err := s.try(remediate.VerbSwap, image)
			if goesOn != (err == nil) || goesOn == (s.on("system") == was) {
				t.Errorf("it is on %s: %v", s.on("system"), err)
			}
			s.must(os.Remove(s.path("live/filler")))
			s.do(remediate.VerbBoot, nil)
		})
	}
}

// fill leaves no byte free in live/.
func (s *site) fill() {
	f, err := os.Create(s.path("live/filler"))
	s.must(err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
}

// small moves live/ to a file system of a size.
func (s *site) small(size string) {
	s.t.Helper()
	s.must(os.Rename(s.path("live"), s.path("live.before")))
	s.must(os.Mkdir(s.path("live"), 0o755))
	s.must(syscall.Mount("tmpfs", s.path("live"), "tmpfs", 0, "size="+size))
	s.t.Cleanup(func() {
		s.keeper.Kill(unit)
		_ = syscall.Unmount(s.path("live"), syscall.MNT_DETACH)
	})
	out, err := exec.Command("cp", "-a", s.path("live.before")+"/.", s.path("live")).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
}
