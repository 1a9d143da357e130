package journal

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAFileKnowsWhichGroupHasIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "operator.nk")
	if err := os.WriteFile(file, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if !belongs(file, os.Getegid()) {
		t.Error("a new file is not its maker's group's: it would be given away, which the unit forbids")
	}
	if belongs(file, os.Getegid()+1) || belongs(file+".not", os.Getegid()) {
		t.Error("a file of another group, or none at all, is taken for one that has it")
	}
}
