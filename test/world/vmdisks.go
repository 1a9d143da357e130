package world

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/oklog/ulid/v2"

	"nightshift/test/guest"
)

// Where the virtual machine's disks are, see rave-vm.tmpfiles.
const (
	imagesDir   = "/var/lib/rave"
	goodDir     = imagesDir + "/good"
	liveDir     = imagesDir + "/live"
	incomingDir = imagesDir + "/incoming"
)

// FirstImage is what a new world's virtual machine runs: a healthy image,
// promoted to last-known-good.
var FirstImage = guest.Image{Name: "good-1", Behaviour: guest.Healthy}

// startVM lays out the disks as an installation has them, starts the virtual
// machine, and watches it: Prometheus comes last, so that a boot is no outage.
func (w *World) startVM(ctx context.Context) error {
	v := w.VM()
	if err := v.layOut(ctx); err != nil {
		return err
	}
	if _, err := w.Exec(ctx, "systemctl", "enable", "--now", "--quiet", VMUnit); err != nil {
		return err
	}
	if _, err := v.AwaitServed(ctx, FirstImage.Name); err != nil {
		told := context.WithoutCancel(ctx) // what is wrong is told when it is late
		return fmt.Errorf("%w\n%s\n%s", err, v.Console(told), w.failures(told))
	}
	_, err := w.Exec(ctx, "systemctl", "enable", "--now", "--quiet", "prometheus.service")
	return err
}

// layOut makes the first disks.
func (v VM) layOut(ctx context.Context) error {
	tool := guest.Tool{Exec: v.w.Exec, Path: v.w.Path}
	if err := tool.MakeImage(ctx, goodDir+"/"+goodFile(FirstImage.Name), FirstImage); err != nil {
		return err
	}
	if err := v.promote(FirstImage.Name, time.Now()); err != nil {
		return err
	}
	const data = liveDir + "/data.qcow2"
	if err := tool.MakeData(ctx, data); err != nil {
		return err
	}
	if _, err := v.w.Exec(ctx, "chmod", "0660", data); err != nil {
		return err
	}
	return v.overlay(ctx, goodDir+"/"+goodFile(FirstImage.Name))
}

func goodFile(name string) string { return name + "." + guest.SystemSerial + ".qcow2" }

// record is what is known of a promoted image, as the agent wants it.
type record struct {
	Name       string              `json:"name"`
	Taken      time.Time           `json:"taken"`
	Grade      string              `json:"grade"`
	Of         string              `json:"of"`
	Disks      map[string]goodDisk `json:"disks"`
	PromotedAt time.Time           `json:"promotedAt"`
	PromotedBy string              `json:"promotedBy"`
}

type goodDisk struct {
	File   string `json:"file"`
	Format string `json:"format"`
	Size   int64  `json:"size"`
	MTime  int64  `json:"mtime"`
	SHA256 string `json:"sha256"`
}

// promote writes an image's record, and that it is the last-known-good.
func (v VM) promote(name string, now time.Time) error {
	file := v.w.Path(goodDir + "/" + goodFile(name))
	if err := os.Chmod(file, 0o444); err != nil {
		return err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:])
	disk := goodDisk{goodFile(name), "qcow2", info.Size(), info.ModTime().UnixNano(), hash}
	text, err := json.Marshal(record{
		Name: name, Taken: now.UTC(), Grade: "boot-proved", Of: hash,
		Disks: map[string]goodDisk{guest.SystemSerial: disk}, PromotedAt: now.UTC(), PromotedBy: "installer",
	})
	if err != nil {
		return err
	}
	return errors.Join(
		v.w.WriteFile(goodDir+"/"+name+".json", text, 0o444),
		v.w.WriteFile(goodDir+"/last-known-good", []byte(name+"\n"), 0o444),
	)
}

// overlay puts a new overlay on an image in place, for the next start.
func (v VM) overlay(ctx context.Context, image string) error {
	name := guest.SystemSerial + "-" + ulid.Make().String() + ".qcow2"
	path := liveDir + "/" + name
	if _, err := v.w.Exec(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image, path); err != nil {
		return err
	}
	if _, err := v.w.Exec(ctx, "chmod", "0660", path); err != nil {
		return err
	}
	_, err := v.w.Exec(ctx, "ln", "--symbolic", "--force", "--no-dereference", name, liveDir+"/"+guest.SystemSerial)
	return err
}

// Incoming makes an image where an operator would put one that is to be
// deployed, and returns its path.
func (v VM) Incoming(ctx context.Context, i guest.Image) (string, error) {
	path := incomingDir + "/" + i.Name + ".qcow2"
	if err := (guest.Tool{Exec: v.w.Exec, Path: v.w.Path}).MakeImage(ctx, path, i); err != nil {
		return "", err
	}
	return path, os.Chmod(v.w.Path(path), 0o444)
}

// Update puts an image in place as an operator does by hand, past every check
// of the product: stop, a new overlay on it, start. It returns once QEMU runs;
// whether the image is any good shows later.
func (v VM) Update(ctx context.Context, i guest.Image) error {
	image, err := v.Incoming(ctx, i)
	if err != nil {
		return err
	}
	if _, err := v.w.Exec(ctx, "systemctl", "stop", VMUnit); err != nil {
		return err
	}
	if err := v.overlay(ctx, image); err != nil {
		return err
	}
	_, err = v.w.Exec(ctx, "systemctl", "start", VMUnit)
	return err
}

// Overlay is the overlay that the machine's link to its system disk leads to.
func (v VM) Overlay() (string, error) {
	return os.Readlink(v.w.Path(liveDir + "/" + guest.SystemSerial))
}

// Aside are the overlays that a rollback put aside, oldest first by name.
func (v VM) Aside() ([]string, error) { return v.named(liveDir, "*.aside-*.qcow2") }

func (v VM) named(dir, pattern string) (names []string, err error) {
	found, err := filepath.Glob(v.w.Path(dir) + "/" + pattern)
	for _, path := range found {
		names = append(names, filepath.Base(path))
	}
	return names, err
}

// CheckImages is the exit status of `qemu-img check` for each image below live/
// and good/, by name: 0 is a sound image, 3 one with nothing worse than leaks, 2 a
// corrupted one, and 1 one that can't be checked, as when QEMU has it open.
func (v VM) CheckImages(ctx context.Context) (map[string]int, error) {
	status := map[string]int{}
	for _, dir := range []string{liveDir, goodDir} {
		names, err := v.named(dir, "*.qcow2")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if status[name], err = v.check(ctx, dir+"/"+name); err != nil {
				return nil, err
			}
		}
	}
	return status, nil
}

func (v VM) check(ctx context.Context, image string) (status int, err error) {
	_, err = v.w.Exec(ctx, "qemu-img", "check", "-q", "-f", "qcow2", image)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}
