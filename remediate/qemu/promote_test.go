package qemu_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/qemu"
)

// promotion is what the root-owned unit is told.
func (s *site) promotion(name string) qemu.PromoteOptions {
	return qemu.PromoteOptions{
		VM: "site", Name: name, Images: s.dir, Disks: s.goBack(), DeploysFrom: s.o.DeploysFrom,
		Agent: uint32(os.Geteuid()), By: "ada", Now: func() time.Time { return s.now },
	}
}

// frozen is a VM that runs, with a checkpoint to be promoted.
func frozen(t *testing.T) (*site, *remediate.Image) {
	s := newSite(t)
	s.write(s.path("live", s.on("system")), "system before the update")
	s.start()
	s.do(remediate.VerbCheckpoint, s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "pre-update"}))
	return s, s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "pre-update"})
}

func TestAPromotedCheckpointIsTheLastKnownGood(t *testing.T) {
	s, image := frozen(t)
	s.do(remediate.VerbPromote, image)

	good := s.source(remediate.LastKnownGood, nil)
	if good.Name != "pre-update" || good.File != s.path("good/pre-update.system.qcow2") {
		t.Errorf("the last-known-good is %+v", good)
	}
	info, err := os.Stat(good.File)
	s.must(err)
	if info.Mode().Perm() != 0o444 || strings.Contains(s.img("info", good.File), "backing file") {
		t.Errorf("%s has mode %v, %s", good.File, info.Mode(), s.img("info", good.File))
	}
	s.must(s.vm.Verify(s.ctx(), "pre-update", nil))
	s.swap(good)
	if got := s.reads(s.path("live/system")); got != "system before the update" {
		t.Errorf("the disk reads %q", got)
	}
	s.do(remediate.VerbPromote, s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "pre-update"}))
}

func TestVerifyFindsOneChangedByte(t *testing.T) {
	s := newSite(t)
	path := s.path("good/good.system.qcow2")
	info, err := os.Stat(path)
	s.must(err)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	s.must(err)
	_, err = f.WriteAt([]byte{1}, info.Size()-1)
	s.must(errors.Join(err, f.Close(), os.Chtimes(path, info.ModTime(), info.ModTime())))
	wantError(t, s.vm.Verify(s.ctx(), "good", nil), "good.system.qcow2", "its SHA-256 is")
}

func TestProgressIsTold(t *testing.T) {
	s, _ := frozen(t)
	var last, total int64
	_, err := qemu.Promote(s.ctx(), s.promotion("pre-update"), func(d, of int64) {
		if d < last || d > of {
			t.Errorf("it went from %d to %d of %d", last, d, of)
		}
		last, total = d, of
	})
	s.must(err)
	if last == 0 || total == 0 {
		t.Errorf("nothing was told: %d of %d", last, total)
	}
}

func TestAPromotionRefusesWhatIsOdd(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(*site, *qemu.PromoteOptions)
		want  []string
	}{
		{"a name that leads elsewhere", func(_ *site, o *qemu.PromoteOptions) { o.Name = "../x" }, []string{"expected up to 63 characters"}},
		{"no such checkpoint", func(_ *site, o *qemu.PromoteOptions) { o.Name = "nope" }, []string{`there is no checkpoint "nope"`}},
		{"a catalogue of QEMU's user", func(s *site, _ *qemu.PromoteOptions) { s.must(os.Chown(s.path("live/checkpoints.json"), 4711, 0)) }, []string{"cannot believe", "checkpoints.json"}},
		{"an image of QEMU's user", func(s *site, _ *qemu.PromoteOptions) { s.must(os.Chown(s.file("pre-update"), 4711, 0)) }, []string{"user 4711"}},
		{"an image that was written to", func(s *site, _ *qemu.PromoteOptions) {
			s.keeper.Kill(unit)
			s.write(s.file("pre-update"), "forged")
		}, []string{"it was written to since"}},
		{"a catalogue that was edited", func(s *site, _ *qemu.PromoteOptions) {
			text, err := os.ReadFile(s.path("live/checkpoints.json"))
			s.must(err)
			s.must(os.WriteFile(s.path("live/checkpoints.json"), []byte(strings.Replace(string(text), `"size": `, `"size": 1`, 1)), 0o640))
		}, []string{"changed by hand"}},
		{"good/ that others can write", func(s *site, _ *qemu.PromoteOptions) { s.must(os.Chmod(s.path("good"), 0o777)) }, []string{"cannot believe", "good"}},
		{"a name that is taken by another", func(s *site, _ *qemu.PromoteOptions) {
			s.promoted("pre-update", "system", "another")
			s.record("pre-update")
		}, []string{"promoted already, of another checkpoint"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _ := frozen(t)
			o := s.promotion("pre-update")
			c.spoil(s, &o)
			before, err := os.ReadDir(s.path("good"))
			s.must(err)
			_, err = qemu.Promote(s.ctx(), o, nil)
			wantError(t, err, append(c.want, "cannot promote")...)
			after, err := os.ReadDir(s.path("good"))
			s.must(err)
			if len(before) != len(after) {
				t.Errorf("good/ had %v and has %v", before, after)
			}
		})
	}
}

// file is the image of a live checkpoint, whether or not it can be used.
func (s *site) file(name string) string {
	s.t.Helper()
	all, err := s.vm.Checkpoints(s.ctx())
	s.must(err)
	for _, c := range all {
		if c.Name == name {
			return c.Files["system"]
		}
	}
	s.t.Fatalf("there is no checkpoint %s", name)
	return ""
}

// toPromote and dieAt tell a process of this test's program to promote, and where to
// be killed by itself.
const toPromote, dieAt = "QEMU_TEST_PROMOTE", "QEMU_TEST_DIE_AT"

// promoteAndDie is the root-owned unit's process, in TestMain.
func promoteAndDie() {
	text := os.Getenv(toPromote)
	if text == "" {
		return
	}
	var o qemu.PromoteOptions
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		panic(err)
	}
	o.Now = time.Now
	o.Reached = func(at string) {
		if at == os.Getenv(dieAt) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	_, err := qemu.Promote(context.Background(), o, func(done, total int64) {
		if done > 0 {
			o.Reached("promote.copying")
		}
	})
	if err != nil {
		panic(err)
	}
	os.Exit(0)
}

func TestAKilledPromotionLeavesTheLastKnownGoodAndStartsAnew(t *testing.T) {
	for _, point := range []string{"promote.copying", "promote.disk", "promote.recorded", "promote.pointed"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			s, image := frozen(t)
			o := s.promotion("pre-update")
			o.Now = nil
			text, err := json.Marshal(struct {
				VM, Name, Images   string
				Disks, DeploysFrom []string
				Agent              uint32
			}{o.VM, o.Name, o.Images, o.Disks, o.DeploysFrom, o.Agent})
			s.must(err)
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), toPromote+"="+string(text), dieAt+"="+point)
			if err := child.Run(); err == nil || child.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("it was not killed: %v", err)
			}
			action, what := s.vm.Actions()[remediate.VerbPromote], step(remediate.VerbPromote, image)
			before := remediate.Witness{"image": image.Digest, "last-known-good": "good"}
			want := "good"
			if point == "promote.pointed" {
				want = "pre-update"
			}
			if _, err := action.Happened(s.ctx(), what, before); (err == nil) != (want == "pre-update") || err != nil && !errors.Is(err, remediate.ErrNotDone) {
				t.Errorf("happened: %v", err)
			}
			if got := s.source(remediate.LastKnownGood, nil).Name; got != want {
				t.Errorf("the last-known-good is %s; want %s", got, want)
			}
			s.do(remediate.VerbPromote, image)
			if got := s.source(remediate.LastKnownGood, nil).Name; got != "pre-update" {
				t.Errorf("the last-known-good is %s", got)
			}
			if left, _ := filepath.Glob(s.path("good/.*")); len(left) > 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}
