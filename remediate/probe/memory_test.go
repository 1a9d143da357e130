package probe

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"nightshift/remediate"
)

// tree is a file system with these files.
func tree(files map[string]string) fs.FS {
	root := fstest.MapFS{}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

// meminfo is a machine with 4 GiB, of which 1 GiB is available.
const meminfo = `MemTotal:        4194304 kB
MemFree:          262144 kB
MemAvailable:    1048576 kB
Buffers:           10240 kB
SwapTotal:             0 kB
HugePages_Total:       0
`

func TestMemoryOfTheMachineIsWhatIsNotAvailable(t *testing.T) {
	root := tree(map[string]string{"proc/meminfo": meminfo})
	sees(t, NewMemory(MemoryOptions{Name: "x", MaxPercent: 75, FS: root}), remediate.Healthy, "3.0 GiB of 4.0 GiB are in use (75.0 %)")
	sees(t, NewMemory(MemoryOptions{Name: "x", MaxPercent: 74.9, FS: root}), remediate.Unhealthy, "expected at most 74.9 %")
}

// The same slice, 1.75 GiB with 0.25 GiB of page cache that goes first, as both
// versions of control groups show it.
var (
	sliceOfV2 = tree(map[string]string{
		"sys/fs/cgroup/rave.slice/memory.current": "1879048192\n",
		"sys/fs/cgroup/rave.slice/memory.stat":    "anon 1\nfile 2\ninactive_file 268435456\n",
	})
	sliceOfV1 = tree(map[string]string{
		"sys/fs/cgroup/memory/rave.slice/memory.usage_in_bytes": "1879048192\n",
		"sys/fs/cgroup/memory/rave.slice/memory.stat":           "inactive_file 0\ntotal_inactive_file 268435456\n",
		"sys/fs/cgroup/rave.slice/cgroup.procs":                 "",
	})
)

func TestMemoryOfASliceIsItsWorkingSet(t *testing.T) {
	for version, root := range map[string]fs.FS{"v2": sliceOfV2, "v1": sliceOfV1} {
		t.Run(version, func(t *testing.T) {
			o := MemoryOptions{Name: "x", Slice: "rave.slice", Allocation: 2 << 30, MaxPercent: 75, FS: root}
			sees(t, NewMemory(o), remediate.Healthy, "1.5 GiB of 2.0 GiB are in use (75.0 %)")
			o.MaxPercent = 70
			sees(t, NewMemory(o), remediate.Unhealthy, "expected at most 70.0 %")
		})
	}
}

func TestMemoryThatCannotBeReadIsUnknown(t *testing.T) {
	current := "sys/fs/cgroup/rave.slice/memory.current"
	for name, root := range map[string]fs.FS{
		"nothing":   tree(nil),
		"no stat":   tree(map[string]string{current: "1\n"}),
		"no number": tree(map[string]string{current: "max\n", "sys/fs/cgroup/rave.slice/memory.stat": ""}),
		"odd":       tree(map[string]string{"proc/meminfo": "MemTotal: many kB\n"}),
	} {
		t.Run(name, func(t *testing.T) {
			sees(t, NewMemory(MemoryOptions{Name: "x", MaxPercent: 1, FS: root}), remediate.Unknown, "cannot read the memory")
			sees(t, NewMemory(MemoryOptions{Name: "x", Slice: "rave.slice", Allocation: 1, FS: root}), remediate.Unknown, "cannot read the memory")
		})
	}
	sees(t, NewMemory(MemoryOptions{Name: "x", Slice: "rave.slice", FS: sliceOfV2}), remediate.Unknown, "given")
}

func TestTheMemoryOfThisHostIsRead(t *testing.T) {
	sees(t, NewMemory(MemoryOptions{Name: "x", MaxPercent: 100}), remediate.Healthy, "are in use")
}

func TestASliceLiesWhereItsNameSays(t *testing.T) {
	for slice, want := range map[string]string{
		"rave.slice":       "rave.slice",
		"a-b-c.slice":      "a.slice/a-b.slice/a-b-c.slice",
		`a\x2db.slice`:     `a\x2db.slice`,
		"-.slice":          ".",
		"system-web.slice": "system.slice/system-web.slice",
	} {
		if got := slicePath(slice); got != want {
			t.Errorf("%s: %s, want %s", slice, got, want)
		}
	}
}

func TestBytesAreWrittenForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1 << 20: "1.0 MiB", 3 << 29: "1.5 GiB", 1 << 50: "1024.0 TiB"} {
		if got := bytesOf(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestTheEvidenceOfMemoryHasTheSliceThePressureAndTheFigures(t *testing.T) {
	root := tree(map[string]string{
		"proc/meminfo":                            meminfo,
		"proc/pressure/memory":                    "some avg10=1.00 avg60=2.00 avg300=3.00 total=4\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"sys/fs/cgroup/rave.slice/memory.current": "1610612736\n",
		"sys/fs/cgroup/rave.slice/memory.stat":    "inactive_file 0\n",
	})
	look := remediate.Look{What: remediate.SeeMemory}
	got := Sights{FS: root, Slice: "rave.slice", Allocation: 2 << 30}.Memory(look)
	want := `rave.slice: 1.5 GiB of 2.0 GiB are in use (75.0 %)
pressure some avg10=1.00 avg60=2.00 avg300=3.00 total=4
pressure full avg10=0.00 avg60=0.00 avg300=0.00 total=0
MemTotal:        4194304 kB
MemFree:          262144 kB
MemAvailable:    1048576 kB
Buffers:           10240 kB
SwapTotal:             0 kB
`
	if got != (remediate.Evidence{Look: look, Text: want}) {
		t.Errorf("%+v", got)
	}
}

func TestEvidenceThatCannotBeSeenSaysWhy(t *testing.T) {
	s := Sights{FS: tree(nil), Slice: "rave.slice"}
	if got := s.Memory(remediate.Look{}); got.Text != "" || !strings.HasPrefix(got.Error, "cannot read the memory: ") {
		t.Errorf("%+v", got)
	}
	if got := s.Processes(t.Context(), remediate.Look{}); got.Text != "" || !strings.HasPrefix(got.Error, "cannot list the processes: ") {
		t.Errorf("%+v", got)
	}
	s.FS = tree(map[string]string{"proc/meminfo": meminfo})
	if got := s.Memory(remediate.Look{}); !strings.HasPrefix(got.Text, "rave.slice: there is no control group of rave.slice\n") {
		t.Errorf("%+v", got)
	}
}
