package guest

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a guest does with its disks, a real one shows in package world's tests.

func TestADiskSaysWhichImageItIsAndCounts(t *testing.T) {
	disk, err := os.Create(filepath.Join(t.TempDir(), "disk"))
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	if _, err := disk.WriteString(`{"image":"good-1","behaviour":"crash","after":2000000000}`); err != nil {
		t.Fatal(err)
	}
	if err := disk.Truncate(diskSize); err != nil {
		t.Fatal(err)
	}
	if err := WriteCount(disk, 7); err != nil {
		t.Fatal(err)
	}
	if n, err := ReadCount(disk); err != nil || n != 7 {
		t.Errorf("counted %d (%v), want 7", n, err)
	}
	if i, err := ReadImage(disk); err != nil || i != (Image{"good-1", Crash, 2e9}) {
		t.Errorf("the disk is %+v (%v)", i, err)
	}
}

func TestADiskThatIsNoImageIsRefused(t *testing.T) {
	for header, want := range map[string]string{
		"":                                   "header",
		`{"image":"x","behaviour":"sings"}`:  "want a name, and one of",
		`{"image":"","behaviour":"healthy"}`: "want a name, and one of",
	} {
		disk := append([]byte(header), make([]byte, diskSize-len(header))...)
		if _, err := ReadImage(bytes.NewReader(disk)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error about %q", header, err, want)
		}
	}
	if err := MakeImage(t.Context(), filepath.Join(t.TempDir(), "x"), Image{Name: "x"}); err == nil {
		t.Error("an image without a behaviour was made")
	}
}

func TestAnInitramfsWithoutItsModulesIsRefused(t *testing.T) {
	if err := WriteInitrd(io.Discard, t.TempDir(), os.Args[0]); err == nil || !strings.Contains(err.Error(), modules[0]) {
		t.Errorf("got %v, want an error that names the first module", err)
	}
}
