package qemu_test

import (
	"os"
	"strings"
	"testing"

	"nightshift/remediate"
	"nightshift/remediate/qemu"
)

// bare is a site whose VM has no disks yet, and an image for them outside of it.
func bare(t *testing.T) (s *site, image string) {
	s = newSite(t)
	for _, name := range []string{"live/system", "good/last-known-good", "good/good.json", "good/good.system.qcow2", "live/" + s.on("system")} {
		s.must(os.Remove(s.path(name)))
	}
	image = short(t) + "/nixos.qcow2"
	s.img("create", "-q", "-f", "qcow2", image, "8M")
	s.write(image, "the first system")
	return s, image
}

func TestTheFirstImageIsAdopted(t *testing.T) {
	s, image := bare(t)
	r, err := qemu.Adopt(s.ctx(), s.promotion("first"), map[string]string{"system": image}, nil)
	s.must(err)
	if r.Name != "first" || r.Grade != remediate.Unproved || r.PromotedBy != "ada" {
		t.Errorf("%+v", r)
	}
	if info, err := os.Stat(s.path("live", s.on("system"))); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the overlay: %v %v", info.Mode(), err)
	}
	if got := s.reads(s.path("live/system")); got != "the first system" {
		t.Errorf("the disk reads %q", got)
	}
	s.must(s.vm.Verify(s.ctx(), "first", nil))
	s.start()
	if good := s.source(remediate.LastKnownGood, nil); good.Name != "first" {
		t.Errorf("the last-known-good is %+v", good)
	}
	s.must(os.Remove(image)) // it is not needed any more
	s.swap(s.source(remediate.LastKnownGood, nil))
}

func TestAnAdoptionGoesForwardAfterACrash(t *testing.T) {
	for _, point := range []string{"promote.disk", "promote.recorded", "promote.pointed"} {
		t.Run(point, func(t *testing.T) {
			s, image := bare(t)
			o := s.promotion("first")
			o.Reached = func(at string) {
				if at == point {
					panic("killed")
				}
			}
			func() {
				defer func() { _ = recover() }()
				_, _ = qemu.Adopt(s.ctx(), o, map[string]string{"system": image}, nil)
				t.Error("it was not killed")
			}()
			_, err := qemu.Adopt(s.ctx(), s.promotion("first"), map[string]string{"system": image}, nil)
			s.must(err)
			s.start()
		})
	}
}

func TestWhatIsNotAdopted(t *testing.T) {
	s, image := bare(t)
	refused := func(want string, from map[string]string) {
		t.Helper()
		_, err := qemu.Adopt(s.ctx(), s.promotion("first"), from, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, should say %q", from, err, want)
		}
	}
	refused("no image is named for disk system", nil)
	refused(`no disk "data" that goes back`, map[string]string{"system": image, "data": image})
	refused("expected an absolute path", map[string]string{"system": "nixos.qcow2"})
	refused("missing", map[string]string{"system": image + "x"})
	raw := short(t) + "/raw.img"
	s.must(os.WriteFile(raw, make([]byte, 4096), 0o644))
	refused(raw, map[string]string{"system": raw})

	_, err := qemu.Adopt(s.ctx(), s.promotion("first"), map[string]string{"system": image}, nil)
	s.must(err)
	refused("has its first image already", map[string]string{"system": image})
}
