package world

import (
	"maps"
	"slices"
	"testing"
)

func TestFilesThatFlagsNameAreWrittenInsideAndBroughtOut(t *testing.T) {
	flags, files := diverted([]string{
		"-test.paniconexit0", "-test.timeout=10m0s", "-test.testlogfile=/host/testlog.txt",
		"-test.coverprofile=/host/cover.out", "-test.outputdir=/here", "-test.cpuprofile=cpu.out", "-test.run=Trace=x",
	})
	wantFlags := []string{
		"-test.paniconexit0", "-test.timeout=10m0s",
		"-test.coverprofile=/tmp/coverprofile", "-test.cpuprofile=/tmp/cpuprofile", "-test.run=Trace=x",
	}
	if !slices.Equal(flags, wantFlags) {
		t.Errorf("flags %q\nwant  %q", flags, wantFlags)
	}
	wantFiles := map[string]string{"/tmp/coverprofile": "/host/cover.out", "/tmp/cpuprofile": "/here/cpu.out"}
	if !maps.Equal(files, wantFiles) {
		t.Errorf("files %v\nwant  %v", files, wantFiles)
	}
}
