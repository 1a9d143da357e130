package world

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// firstFile is where FirstImage is kept.
var firstFile = goodDir + "/" + goodFile(FirstImage.Name)

// Put puts a new overlay on an image in place as an operator does by hand: stop, a
// new overlay, start. It returns once QEMU runs.
func (v VM) Put(ctx context.Context, image string) error {
	if _, err := v.w.Exec(ctx, "systemctl", "stop", VMUnit); err != nil {
		return err
	}
	if err := v.overlay(ctx, image); err != nil {
		return err
	}
	_, err := v.w.Exec(ctx, "systemctl", "start", VMUnit)
	return err
}

// Renew makes the disks what they were at first, but for the data disk, which stays,
// and starts the machine: nothing is left of checkpoints, holds and what was put
// aside. It returns once QEMU runs.
func (v VM) Renew(ctx context.Context) error {
	if _, err := v.w.Exec(ctx, "systemctl", "stop", VMUnit, "rave-proof.service"); err != nil {
		return err
	}
	stays := []string{"data.qcow2", "smbios", "proof", "console.log"}
	first := []string{FirstImage.Name + ".json", filepath.Base(firstFile)}
	err := errors.Join(
		v.empty(liveDir, func(name string) bool { return slices.Contains(stays, name) }),
		v.empty(liveDir+"/proof", func(string) bool { return false }),
		v.empty(goodDir, func(name string) bool { return slices.Contains(first, name) }),
		v.empty(incomingDir, func(string) bool { return false }),
		v.w.WriteFile(goodDir+"/last-known-good", []byte(FirstImage.Name+"\n"), 0o444),
	)
	if err != nil {
		return err
	}
	return v.Put(ctx, firstFile)
}

// empty removes the files of a directory but those that stay.
func (v VM) empty(dir string, stays func(name string) bool) error {
	found, err := os.ReadDir(v.w.Path(dir))
	for _, entry := range found {
		if !stays(entry.Name()) {
			err = errors.Join(err, os.Remove(v.w.Path(dir)+"/"+entry.Name()))
		}
	}
	return err
}

// Live lists the files of the directory that QEMU runs on, by name.
func (v VM) Live() (names []string, err error) {
	found, err := os.ReadDir(v.w.Path(liveDir))
	for _, entry := range found {
		if !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, entry.Name())
		}
	}
	return names, err
}

// CheckLive is the exit status of `qemu-img check` of one image below live/; see
// [VM.CheckImages].
func (v VM) CheckLive(ctx context.Context, name string) (int, error) {
	return v.check(ctx, liveDir+"/"+name)
}
