package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"nightshift/remediate"
	"nightshift/remediate/probe"
)

// removes is a oneshot that removes a file.
type removes struct{ file string }

func (r removes) Witness(context.Context, remediate.Step) (remediate.Witness, error) {
	return remediate.Witness{"InvocationID": "i1"}, nil
}

func (r removes) Do(context.Context, remediate.Step, remediate.Witness) (remediate.Receipt, error) {
	return remediate.Receipt{Result: remediate.Done, Detail: "the unit is inactive (dead)"}, os.Remove(r.file)
}

func (r removes) Happened(context.Context, remediate.Step, remediate.Witness) (remediate.Receipt, error) {
	return remediate.Receipt{}, remediate.ErrNotDone
}

func TestAReceiptSaysWhatWasFreed(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=16m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(disk, 0) })
	file := filepath.Join(disk, "old")
	if err := os.WriteFile(file, make([]byte, 8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &world{}
	w.use(map[string]prober{
		"small": probe.NewDisk(probe.DiskOptions{Name: "small", Path: disk, MinBytes: 1}),
		"gone":  probe.NewDisk(probe.DiskOptions{Name: "gone", Path: filepath.Join(disk, "nowhere"), MinBytes: 1}),
		"there": probe.NewFile(probe.FileOptions{Name: "there", Path: file}),
	}, nil)
	action := freeing{removes{file}, w}
	step := remediate.Step{Do: remediate.VerbOneshot, On: remediate.Unit("clean.service")}
	before, err := action.Witness(t.Context(), step)
	if err != nil || before["InvocationID"] != "i1" {
		t.Fatalf("the witness is %v, %v", before, err)
	}
	receipt, err := action.Do(t.Context(), step, before)
	if err != nil || receipt.Facts[factFreed] != "8.0 MiB (small)" || !strings.HasSuffix(receipt.Detail, "; freed 8.0 MiB (small)") {
		t.Errorf("the receipt is %+v, %v", receipt, err)
	}
	if receipt, err := action.Do(t.Context(), step, before); err == nil || receipt.Facts[factFreed] != "" {
		t.Errorf("what failed freed something: %+v, %v", receipt, err)
	}
	if _, err := action.Happened(t.Context(), step, before); !errors.Is(err, remediate.ErrNotDone) {
		t.Errorf("what did not happen: %v", err)
	}
}

func TestWithoutADiskProbeNothingIsSaidOfRoom(t *testing.T) {
	w := &world{}
	w.use(nil, nil)
	file := filepath.Join(t.TempDir(), "old")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	receipt, err := freeing{removes{file}, w}.Do(t.Context(), remediate.Step{}, nil)
	if err != nil || receipt.Detail != "the unit is inactive (dead)" || receipt.Facts != nil {
		t.Errorf("%+v, %v", receipt, err)
	}
}
