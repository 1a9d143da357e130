package qemu_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/qemu"
)

func TestAHungQEMUIsStoppedByItsUnit(t *testing.T) {
	s := newSite(t)
	s.start()
	s.keeper.Signal(unit, syscall.SIGSTOP)
	if o := s.vm.Probe(s.ctx()); o.Health != remediate.Unknown {
		t.Errorf("the probe says %+v; want unknown", o)
	}
	r := s.do(remediate.VerbPowerDown, nil)
	if !strings.Contains(r.Detail, "stop of "+unit) {
		t.Errorf("receipt: %+v", r)
	}
}

// TestAGuestThatDidNotHearThePowerButtonHearsItAgain has a guest that takes no notice of
// it until it was pressed a second time.
func TestAGuestThatDidNotHearThePowerButtonHearsItAgain(t *testing.T) {
	s := newSite(t, func(o *qemu.Options) { o.PowerDownWithin = patience })
	s.start()
	s.do(remediate.VerbCont, nil)
	watch, err := net.Dial("unix", s.path("live.watch"))
	s.must(err)
	defer watch.Close()
	s.must(watch.SetDeadline(time.Now().Add(patience / 2)))
	_, err = watch.Write([]byte(`{"execute":"qmp_capabilities"}`))
	s.must(err)
	obeys := make(chan struct{})
	go func() {
		defer close(obeys)
		said := bufio.NewScanner(watch)
		pressed := 0
		for pressed < 2 && said.Scan() {
			pressed += strings.Count(said.Text(), `"POWERDOWN"`)
		}
		if pressed < 2 {
			t.Errorf("it was pressed %d times: %v", pressed, said.Err())
		}
		s.keeper.Signal(unit, syscall.SIGTERM) // QEMU ends as when its guest has
	}()
	r := s.do(remediate.VerbPowerDown, nil)
	<-obeys
	if r.Facts["by"] != "power-down of the guest" {
		t.Errorf("receipt: %+v", r)
	}
}

func TestASocketThatSomebodyElseHoldsLeavesTheVMAsItIs(t *testing.T) {
	s := newSite(t)
	s.start()
	other, err := net.Dial("unix", s.path("qmp.sock"))
	s.must(err)
	defer other.Close()
	_, err = other.Read(make([]byte, 16)) // QEMU's greeting: it has us
	s.must(err)
	_, err = s.try(remediate.VerbPowerDown, nil)
	wantError(t, err, "cannot power-down site", "somebody else holds the QMP socket", s.path("qmp.sock"))
	if _, err := os.Lstat(s.path("live/hold")); err == nil {
		t.Error("it is held")
	}
	if state, _ := s.keeper.State(s.ctx(), unit); !state.Active {
		t.Error("it does not run any more")
	}
}

func TestWhatCantBeProvedStoppedIsAFailureAndReleased(t *testing.T) {
	s := newSite(t)
	s.start()
	// The unit's QEMU ends; another one, of nobody's unit, has the image open.
	stranger := s.command("live", "stranger.sock")()
	s.keeper.Kill(unit)
	s.must(stranger.Start())
	defer func() { _ = stranger.Process.Kill(); _ = stranger.Wait() }()
	s.awaitQEMU("stranger.sock")
	r, err := s.try(remediate.VerbPowerDown, nil)
	s.must(err)
	if r.Result != remediate.Failed || !strings.Contains(r.Detail, "still has disk") {
		t.Errorf("receipt: %+v", r)
	}
	_, err = s.try(remediate.VerbSwap, s.source(remediate.LastKnownGood, nil))
	wantError(t, err, "still has disk")
	_, err = s.try(remediate.VerbBoot, nil)
	wantError(t, err, "still has disk")
}

// awaitQEMU waits until that QEMU obeys, which it does when it has opened its disks.
func (s *site) awaitQEMU(socket string) {
	s.t.Helper()
	s.await(func() bool {
		conn, err := net.Dial("unix", s.path(socket))
		if err != nil {
			return false
		}
		defer conn.Close()
		s.must(conn.SetDeadline(time.Now().Add(patience)))
		_, err = conn.Write([]byte(`{"execute":"qmp_capabilities"}`))
		s.must(err)
		for said := bufio.NewScanner(conn); said.Scan(); {
			if strings.Contains(said.Text(), `"return"`) {
				return true
			}
		}
		return false
	})
}

// await waits for something outside of this process.
func (s *site) await(done func() bool) {
	s.t.Helper()
	for until := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			s.t.Fatal("it did not come about")
		}
	}
}

func TestAKeeperThatDoesNotAnswerChangesNothing(t *testing.T) {
	s := newSite(t)
	s.start()
	s.keeper.Refuse(errors.New("the bus is gone"))
	for _, do := range []remediate.Verb{remediate.VerbPowerDown, remediate.VerbBoot} {
		_, err := s.try(do, nil)
		wantError(t, err, "the bus is gone")
		_, err = s.vm.Actions()[do].Happened(s.ctx(), step(do, nil), remediate.Witness{})
		if !errors.Is(err, remediate.ErrInDoubt) {
			t.Errorf("%s: %v; want it in doubt", do, err)
		}
	}
	if o := s.vm.Probe(s.ctx()); o.Health != remediate.Unknown {
		t.Errorf("the probe says %+v; want unknown", o)
	}
	if _, err := os.Lstat(s.path("live/hold")); err == nil {
		t.Error("it is held")
	}
}

func TestSwapNeedsAHeldVMThatIsDown(t *testing.T) {
	s := newSite(t)
	s.start()
	_, err := s.try(remediate.VerbSwap, s.source(remediate.LastKnownGood, nil))
	wantError(t, err, "it is not held for a power-down")
	s.must(os.WriteFile(s.path("live/hold"), []byte("power-down site since 2026-11-23T15:45:00Z :\n"), 0o640))
	_, err = s.try(remediate.VerbSwap, s.source(remediate.LastKnownGood, nil))
	wantError(t, err, unit+" is still active")
}

func TestAHoldOfSomebodyElseIsHeeded(t *testing.T) {
	s := newSite(t)
	s.must(os.WriteFile(s.path("live/hold"), []byte("hands off, I am at it\n"), 0o640))
	_, err := s.try(remediate.VerbBoot, nil)
	wantError(t, err, "somebody else holds the VM", "live/hold")
	s.must(os.Chown(s.path("live/hold"), 4711, 4711))
	_, err = s.try(remediate.VerbBoot, nil)
	wantError(t, err, "cannot believe", "user 4711")
}

func TestBadImages(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(s *site)
		asked *remediate.Asked
		want  []string
	}{
		{"nothing was promoted", func(s *site) { s.must(os.Remove(s.path("good/last-known-good"))) }, nil, []string{"no checkpoint was promoted yet"}},
		{"the promoted image is missing", func(s *site) { s.must(os.Remove(s.path("good/good.system.qcow2"))) }, nil, []string{"good.system.qcow2", "missing"}},
		{"the promoted image was written to", func(s *site) {
			s.write(s.path("good/good.system.qcow2"), "changed")
		}, nil, []string{"good.system.qcow2", "changed since it was promoted"}},
		{"the promoted image is somebody's", func(s *site) { s.must(os.Chown(s.path("good/good.system.qcow2"), 4711, 0)) }, nil, []string{"good.system.qcow2", "user 4711", "expected root"}},
		{"the promoted image can be written", func(s *site) { s.must(os.Chmod(s.path("good/good.system.qcow2"), 0o644)) }, nil, []string{"read-only"}},
		{"the promoted image is a symlink", func(s *site) {
			s.must(os.Rename(s.path("good/good.system.qcow2"), s.path("good/other")))
			s.must(os.Symlink("other", s.path("good/good.system.qcow2")))
		}, nil, []string{"good.system.qcow2", "symlink"}},
		{"the record can be written by others", func(s *site) { s.must(os.Chmod(s.path("good/good.json"), 0o666)) }, nil, []string{"cannot believe", "good.json"}},
		{"the pointer leads elsewhere", func(s *site) { s.must(os.WriteFile(s.path("good/last-known-good"), []byte("../live/x\n"), 0o444)) }, nil, []string{"cannot use \"../live/x\""}},
		{"the disk is no symlink", func(s *site) {
			s.must(os.Remove(s.path("live/system")))
			s.must(os.WriteFile(s.path("live/system"), nil, 0o644))
		}, nil, []string{"live/system is no symlink", "expected one to system-ULID.qcow2"}},
		{"the disk leads elsewhere", func(s *site) {
			s.must(os.Remove(s.path("live/system")))
			s.must(os.Symlink("/etc/passwd", s.path("live/system")))
		}, nil, []string{`leads to "/etc/passwd"`}},
		{"something lies on what is to be put aside", func(s *site) {
			s.overlay("system", "01J00000000000000000000009", s.path("live", s.on("system")))
		}, nil, []string{"cannot put", "system-01J00000000000000000000009.qcow2 lies on it"}},
		{"the image is no qcow2", func(s *site) {
			s.must(os.WriteFile(s.path("incoming/v2.qcow2"), []byte("raw"), 0o644))
		}, &remediate.Asked{Image: "incoming/v2.qcow2"}, []string{"incoming/v2.qcow2", "not a qcow2 image"}},
		{"the image is a directory", func(s *site) { s.must(os.Mkdir(s.path("incoming/v2.qcow2"), 0o755)) }, &remediate.Asked{Image: "incoming/v2.qcow2"}, []string{"not a regular file"}},
		{"the image is a pipe", func(s *site) { s.must(syscall.Mkfifo(s.path("incoming/v2.qcow2"), 0o644)) }, &remediate.Asked{Image: "incoming/v2.qcow2"}, []string{"not a regular file"}},
		{"the image is a symlink", func(s *site) { s.must(os.Symlink(s.path("good/good.system.qcow2"), s.path("incoming/v2.qcow2"))) }, &remediate.Asked{Image: "incoming/v2.qcow2"}, []string{"symlink"}},
		{"the image lies elsewhere", func(*site) {}, &remediate.Asked{Image: "../etc/x.qcow2"}, []string{"expected an absolute path below"}},
		{"its directory leads elsewhere", func(s *site) {
			s.must(os.MkdirAll(s.path("elsewhere"), 0o755))
			s.img("create", "-q", "-f", "qcow2", s.path("elsewhere/v2.qcow2"), "1M")
			s.must(os.Symlink(s.path("elsewhere"), s.path("incoming/sub")))
		}, &remediate.Asked{Image: "incoming/sub/v2.qcow2"}, []string{"through a symlink"}},
		{"the image is somebody's", func(s *site) {
			s.img("create", "-q", "-f", "qcow2", s.path("incoming/v2.qcow2"), "1M")
			s.must(os.Chown(s.path("incoming/v2.qcow2"), 4711, 0))
		}, &remediate.Asked{Image: "incoming/v2.qcow2"}, []string{"user 4711"}},
		{"its backing file lies elsewhere", func(s *site) {
			s.img("create", "-q", "-u", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", s.path("incoming/v2.qcow2"), "1M")
		}, &remediate.Asked{Image: "incoming/v2.qcow2"}, []string{`format "raw"; expected qcow2`}},
		{"its backing file is over a network", func(s *site) {
			s.img("create", "-q", "-u", "-f", "qcow2", "-b", "nbd://example.org/x", "-F", "qcow2", s.path("incoming/v2.qcow2"), "1M")
		}, &remediate.Asked{Image: "incoming/v2.qcow2"}, []string{"nbd://example.org/x", "expected an absolute path"}},
		{"its data lies in another file", func(s *site) {
			s.img("create", "-q", "-f", "qcow2", "-o", "data_file="+s.path("incoming/data"), s.path("incoming/v2.qcow2"), "1M")
		}, &remediate.Asked{Image: "incoming/v2.qcow2"}, []string{"its data lies in another file"}},
		{"it lies on too many", func(s *site) {
			on := s.path("good/good.system.qcow2")
			for _, name := range strings.Fields("1 2 3 4 5 6 7 v2") {
				s.img("create", "-q", "-f", "qcow2", "-b", on, "-F", "qcow2", s.path("incoming", name+".qcow2"))
				on = s.path("incoming", name+".qcow2")
			}
		}, &remediate.Asked{Image: "incoming/v2.qcow2"}, []string{"deeper than 8", "qemu-img convert -O qcow2"}},
		{"there is no such checkpoint", func(*site) {}, &remediate.Asked{Checkpoint: "nope"}, []string{`there is no checkpoint "nope"`}},
		{"a checkpoint's name that is none", func(*site) {}, &remediate.Asked{Checkpoint: "../x"}, []string{"expected up to 63 characters"}},
		{"a reserved name", func(*site) {}, &remediate.Asked{Checkpoint: "aside-x"}, []string{"mean something else"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			source := remediate.LastKnownGood
			if c.asked != nil {
				source = remediate.WasAsked
				if c.asked.Image != "" {
					asked := *c.asked
					asked.Image = s.dir + "/" + asked.Image
					c.asked = &asked
				}
			}
			c.spoil(s)
			m := s.vm.Machine(s.ctx(), c.asked)
			if m.Lacks[source] == "" || m.Images[source].Digest != "" {
				t.Fatalf("images %+v, lacks %v", m.Images, m.Lacks)
			}
			wantError(t, errors.New(m.Lacks[source]), c.want...)
		})
	}
}

func TestAnImageOfTheStoreMustBeRooted(t *testing.T) {
	s := newSite(t, func(o *qemu.Options) {
		root := strings.TrimSuffix(o.Images, "/")
		o.Store, o.GCRoots = root+"/nix/store", root+"/nix/gcroots"
		o.DeploysFrom = append(o.DeploysFrom, o.Store)
	})
	s.must(os.MkdirAll(s.path("nix/store/abc-image"), 0o755))
	s.must(os.MkdirAll(s.path("nix/gcroots/auto"), 0o755))
	image := s.path("nix/store/abc-image/nixos.qcow2")
	s.img("create", "-q", "-f", "qcow2", image, "8M")
	asked := &remediate.Asked{Image: image}
	wantError(t, errors.New(s.vm.Machine(s.ctx(), asked).Lacks[remediate.WasAsked]), "keeps it from being collected", "--add-root")
	s.must(os.Symlink(s.path("nix/store/abc-image"), s.path("result")))
	s.must(os.Symlink(s.path("result"), s.path("nix/gcroots/auto/xyz")))
	s.source(remediate.WasAsked, asked)
}

func TestASwapOfAnotherImageThanPlannedIsRefused(t *testing.T) {
	s := newSite(t)
	image := s.source(remediate.LastKnownGood, nil)
	image.Digest = strings.Repeat("0", 64)
	s.do(remediate.VerbPowerDown, nil)
	_, err := s.try(remediate.VerbSwap, image)
	wantError(t, err, "the image good is not the one that was planned")
	_, err = s.try(remediate.VerbSwap, &remediate.Image{Name: "good"})
	wantError(t, err, "names no image that there is")
}

func TestACallerThatGoesAwayIsHeeded(t *testing.T) {
	s := newSite(t)
	s.start()
	s.keeper.Signal(unit, syscall.SIGSTOP)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.vm.Actions()[remediate.VerbCheckpoint].Do(ctx, step(remediate.VerbCheckpoint, nil), remediate.Witness{"name": "x"}); err == nil {
		t.Error("a checkpoint of a hung QEMU was taken")
	}
	if o := s.vm.Probe(ctx); o.Health != remediate.Unknown {
		t.Errorf("the probe says %+v", o)
	}
}
