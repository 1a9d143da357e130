package agent

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sysfs is a tree in which a device is the partition of a disk with these files.
func sysfs(t *testing.T, device string, disk map[string]string) string {
	t.Helper()
	sys := t.TempDir()
	put(t, filepath.Join(sys, "devices/pci/vdb/vdb1/partition"), "1")
	for name, text := range disk {
		put(t, filepath.Join(sys, "devices/pci/vdb", name), text)
	}
	join(t, filepath.Join(sys, "dev/block", device), "../../devices/pci/vdb/vdb1")
	return sys
}

// join makes a link, and the directories that it needs.
func join(t *testing.T, at, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

func TestADiskIsKnownByItsSerialNumber(t *testing.T) {
	for name, disk := range map[string]map[string]string{
		"virtio-blk": {"serial": "data\n"},
		"nvme":       {"device/serial": "data      \n"},
		"scsi":       {"device/vpd_pg80": "\x00\x80\x00\x04data"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := serialsOf(sysfs(t, "254:17", disk), "254:17")
			if err != nil || !slices.Equal(got, []string{"data"}) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestAMappedDeviceLiesOnAllThatIsBelow(t *testing.T) {
	sys := sysfs(t, "254:17", map[string]string{"serial": "data"})
	put(t, filepath.Join(sys, "devices/pci/vda/serial"), "system")
	put(t, filepath.Join(sys, "devices/virtual/block/dm-0/size"), "1")
	join(t, filepath.Join(sys, "devices/virtual/block/dm-0/slaves/vdb1"), "../../../../pci/vdb/vdb1")
	join(t, filepath.Join(sys, "devices/virtual/block/dm-0/slaves/vda"), "../../../../pci/vda")
	join(t, filepath.Join(sys, "dev/block/253:0"), "../../devices/virtual/block/dm-0")
	got, err := serialsOf(sys, "253:0")
	slices.Sort(got)
	if err != nil || !slices.Equal(got, []string{"data", "system"}) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestADirectoryMustLieOnKeptDisksAlone(t *testing.T) {
	dir := t.TempDir()
	device, err := deviceOf(filepath.Join(dir, "not/yet/there"))
	if err != nil {
		t.Fatal(err)
	}
	serial := func(text string) map[string]string { return map[string]string{"serial": text} }
	for name, c := range map[string]struct {
		sys  string
		keep []string
		want string // what the error says; none if empty
	}{
		"kept":               {sysfs(t, device, serial("data")), []string{"db", "data"}, ""},
		"goes back":          {sysfs(t, device, serial("system")), []string{"data"}, `lies on the disk "system"`},
		"none is kept":       {sysfs(t, device, serial("data")), nil, "the host keeps none"},
		"no serial":          {sysfs(t, device, nil), []string{"data"}, "shows no serial number"},
		"an empty serial":    {sysfs(t, device, serial("\n")), []string{"data"}, `lies on the disk ""`},
		"no block device":    {t.TempDir(), []string{"data"}, "no block device of its own"},
		"part of it kept":    {sysfs(t, device, serial("data2")), []string{"data"}, `lies on the disk "data2"`},
		"slaves in a circle": {circle(t, device), []string{"data"}, "too many devices"},
	} {
		t.Run(name, func(t *testing.T) {
			err := isKept(c.sys, dir, c.keep)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// circle is a tree in which a device lies on itself, as no kernel has it.
func circle(t *testing.T, device string) string {
	t.Helper()
	sys := t.TempDir()
	join(t, filepath.Join(sys, "devices/dm-0/slaves/dm-0"), "..")
	join(t, filepath.Join(sys, "dev/block", device), "../../devices/dm-0")
	return sys
}
