package qemu_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nightshift/remediate"
	"nightshift/remediate/qemu"
	"nightshift/remediate/qemu/qemutest"
)

func TestMain(m *testing.M) {
	promoteAndDie()
	// Each check runs real QEMUs, and takes 1-2 s; -rapid.checks=100 asks for more.
	for name, value := range map[string]string{"rapid.checks": "6", "rapid.steps": "8"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

const (
	unit  = "site-vm.service"
	proof = "site-proof.service"
)

// patience bounds a step on a slow machine; each takes well under a second otherwise.
const patience = 60 * time.Second

// site is a VM on real images, with a real QEMU that a keeper starts.
type site struct {
	t      *testing.T
	dir    string
	keeper *qemutest.Keeper
	vm     *qemu.VM
	o      qemu.Options
	now    time.Time
}

// newSite lays out images: a promoted checkpoint "good", an overlay on it in use, and a
// disk that stays. QEMU does not run yet.
func newSite(t *testing.T, change ...func(*qemu.Options)) *site {
	t.Helper()
	s := &site{t: t, dir: short(t), now: time.Date(2026, 11, 23, 15, 45, 0, 0, time.UTC)}
	for _, dir := range []string{"good", "live/proof", "incoming"} {
		s.must(os.MkdirAll(s.path(dir), 0o755))
	}
	s.keeper = qemutest.New(t, map[string]qemutest.Unit{
		unit:  {Command: s.command("live", "qmp.sock"), ConditionPathExistsNot: s.path("live/hold"), Ready: s.path("qmp.sock")},
		proof: {Command: s.command("live/proof", "proof.sock"), Ready: s.path("proof.sock")},
		"nightshift-promote@site:pre-update.service": {Oneshot: func(ctx context.Context) error {
			_, err := qemu.Promote(ctx, s.promotion("pre-update"), nil)
			return err
		}},
	})
	s.img("create", "-q", "-f", "qcow2", s.path("live/data.qcow2"), "8M")
	s.o = qemu.Options{
		Name: "site", Unit: unit, QMP: s.path("qmp.sock"), Images: s.dir,
		Disks:           map[string]qemu.Disk{"system": qemu.GoesBack, "data": qemu.Stays},
		PowerDownWithin: 200 * time.Millisecond, BootsWithin: 20 * time.Second,
		DeploysFrom: []string{s.path("incoming")},
		Keeper:      s.keeper, Now: func() time.Time { return s.now },
	}
	for _, c := range change {
		c(&s.o)
	}
	s.vm = qemu.New(s.o)
	for _, disk := range s.goBack() {
		s.promoted("good", disk, disk+" good")
		s.overlay(disk, "01J00000000000000000000000", s.path("good/good."+disk+".qcow2"))
		s.must(os.Symlink(disk+"-01J00000000000000000000000.qcow2", s.path("live", disk)))
	}
	s.record("good")
	return s
}

// short is a directory with a path that a socket's fits into (unix(7): 107 bytes).
func short(t *testing.T) string {
	dir, err := os.MkdirTemp("", "vm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (s *site) goBack() (disks []string) {
	for name, policy := range s.o.Disks {
		if policy == qemu.GoesBack {
			disks = append(disks, name)
		}
	}
	return disks
}

func (s *site) path(name ...string) string {
	return filepath.Join(append([]string{s.dir}, name...)...)
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) img(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("qemu-img", args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("qemu-img %v: %v: %s", args, err, out)
	}
	return string(out)
}

// write puts a text at the beginning of an image that nobody has open.
func (s *site) write(path, text string) {
	s.t.Helper()
	from := filepath.Join(s.t.TempDir(), "text")
	s.must(os.WriteFile(from, []byte(text+strings.Repeat(".", 512-len(text))), 0o644))
	if out, err := exec.Command("qemu-io", "-f", "qcow2", "-c", "write -q -s "+from+" 0 512", path).CombinedOutput(); err != nil {
		s.t.Fatalf("qemu-io: %v: %s", err, out)
	}
}

// reads is the text at the beginning of what a disk is on.
func (s *site) reads(path string) string {
	s.t.Helper()
	raw := filepath.Join(s.t.TempDir(), "raw")
	s.img("dd", "-U", "-f", "qcow2", "-O", "raw", "bs=512", "count=1", "if="+path, "of="+raw)
	text, err := os.ReadFile(raw)
	s.must(err)
	return strings.TrimRight(string(text), ".\x00")
}

// promoted makes a read-only image of good/; record writes the record of all of a name.
func (s *site) promoted(name, disk, text string) {
	path := s.path("good", name+"."+disk+".qcow2")
	s.img("create", "-q", "-f", "qcow2", path, "8M")
	s.write(path, text)
	s.must(os.Chmod(path, 0o444))
}

func (s *site) record(name string) {
	disks := map[string]any{}
	for _, disk := range s.goBack() {
		file := name + "." + disk + ".qcow2"
		info, err := os.Stat(s.path("good", file))
		s.must(err)
		disks[disk] = map[string]any{"file": file, "format": "qcow2", "size": info.Size(), "mtime": info.ModTime().UnixNano(), "sha256": s.sha(s.path("good", file))}
	}
	text, err := json.Marshal(map[string]any{"name": name, "taken": s.now.Add(-time.Hour), "disks": disks, "of": "x", "promotedAt": s.now})
	s.must(err)
	s.must(os.WriteFile(s.path("good", name+".json"), text, 0o444))
	s.must(os.WriteFile(s.path("good/last-known-good"), []byte(name+"\n"), 0o444))
}

func (s *site) sha(path string) string {
	out, err := exec.Command("sha256sum", path).Output()
	s.must(err)
	return strings.Fields(string(out))[0]
}

func (s *site) overlay(disk, id, on string) {
	s.img("create", "-q", "-f", "qcow2", "-b", on, "-F", "qcow2", s.path("live", disk+"-"+id+".qcow2"))
}

// command is QEMU on what the links lead to, its guest not yet let go.
func (s *site) command(dir, socket string) func() *exec.Cmd {
	return func() *exec.Cmd {
		os.Remove(s.path(socket))
		os.Remove(s.path(dir) + ".watch")
		args := []string{"-accel", "tcg", "-M", "pc", "-m", "16", "-nodefaults", "-display", "none", "-device", "VGA", "-S",
			"-qmp", "unix:" + s.path(socket) + ",server=on,wait=off",
			"-qmp", "unix:" + s.path(dir) + ".watch,server=on,wait=off"} // for a test's own eyes
		for disk, policy := range s.o.Disks {
			file := s.path(dir, disk)
			if policy == qemu.Stays && dir == "live" {
				file += ".qcow2"
			}
			args = append(args, "-blockdev", "driver=qcow2,node-name="+disk+",file.driver=file,file.filename="+file, "-device", "virtio-blk-pci,drive="+disk)
		}
		return exec.Command("qemu-system-x86_64", args...)
	}
}

func (s *site) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s.t.Cleanup(cancel)
	return ctx
}

func (s *site) start() {
	s.t.Helper()
	s.must(s.keeper.Start(s.ctx(), unit))
}

// again is the agent after a crash: another process that looks after the same VM.
func (s *site) again(change ...func(*qemu.Options)) {
	o := s.o
	for _, c := range change {
		c(&o)
	}
	s.vm = qemu.New(o)
}

func step(do remediate.Verb, image *remediate.Image) remediate.Step {
	return remediate.Step{Do: do, On: remediate.VM("site"), Risk: remediate.Verbs[do].Risk, Timeout: patience, Image: image}
}

// try does a step as the engine does: the witness, then the act.
func (s *site) try(do remediate.Verb, image *remediate.Image) (remediate.Receipt, error) {
	action, what := s.vm.Actions()[do], step(do, image)
	before, err := action.Witness(s.ctx(), what)
	if err != nil {
		return remediate.Receipt{}, err
	}
	return action.Do(s.ctx(), what, before)
}

// do is a step that must be done.
func (s *site) do(do remediate.Verb, image *remediate.Image) remediate.Receipt {
	s.t.Helper()
	r, err := s.try(do, image)
	if err != nil || r.Result != remediate.Done {
		s.t.Fatalf("%s: %+v, %v", do, r, err)
	}
	return r
}

// source is the image that a plan would name.
func (s *site) source(of remediate.Source, asked *remediate.Asked) *remediate.Image {
	s.t.Helper()
	m := s.vm.Machine(s.ctx(), asked)
	image, ok := m.Images[of]
	if !ok {
		s.t.Fatalf("there is no %s: %s", of, m.Lacks[of])
	}
	return &image
}

// on is what a disk's link names.
func (s *site) on(disk string) string {
	s.t.Helper()
	name, err := os.Readlink(s.path("live", disk))
	s.must(err)
	return name
}

// swap is the whole rung: down, exchanged, up.
func (s *site) swap(image *remediate.Image) {
	s.t.Helper()
	s.do(remediate.VerbPowerDown, nil)
	s.do(remediate.VerbSwap, image)
	s.now = s.now.Add(time.Minute)
	s.do(remediate.VerbBoot, nil)
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q; want it to say %q", err, part)
		}
	}
}

var errKilled = errors.New("killed")
