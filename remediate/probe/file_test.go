package probe

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"nightshift/remediate"
)

func TestFileWantsARegularFileThatIsNotEmpty(t *testing.T) {
	dir := t.TempDir()
	full, empty := write(t, filepath.Join(dir, "full"), "secret"), write(t, filepath.Join(dir, "empty"), "")
	link := filepath.Join(dir, "link")
	if err := os.Symlink(full, link); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]answer{
		full:                                  {remediate.Healthy, "it is there and not empty"},
		link:                                  {remediate.Healthy, "it is there and not empty"},
		empty:                                 {remediate.Unhealthy, "it is empty"},
		dir:                                   {remediate.Unhealthy, "it is no regular file"},
		pipe:                                  {remediate.Unhealthy, "it is no regular file"},
		filepath.Join(dir, "none"):            {remediate.Unhealthy, "it does not exist"},
		filepath.Join(full, "none"):           {remediate.Unhealthy, "it does not exist"},
		dir + "/" + string(make([]byte, 300)): {remediate.Unknown, "cannot look at it"},
	} {
		sees(t, NewFile(FileOptions{Name: "x", Path: path}), want.health, want.detail)
	}
}

// TestFileIsNeverOpened takes away the right to read, and from a group of users
// that is what a secret looks like.
func TestFileIsNeverOpened(t *testing.T) {
	secret := write(t, "", "secret")
	if err := os.Chmod(secret, 0); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(secret)
	if err != nil {
		t.Fatal(err)
	}
	sees(t, NewFile(FileOptions{Name: "x", Path: secret}), remediate.Healthy, "")
	after, err := os.Stat(secret)
	if err != nil {
		t.Fatal(err)
	}
	if before.Sys().(*syscall.Stat_t).Atim != after.Sys().(*syscall.Stat_t).Atim {
		t.Error("it was read")
	}
}

func TestDiskHoldsWhatIsFreeAgainstTheLeast(t *testing.T) {
	const gib = 1 << 30
	for name, c := range map[string]struct {
		o          DiskOptions
		free, used int64
		want       answer
	}{
		"enough of both":    {DiskOptions{MinPercent: 10, MinBytes: gib}, gib, 9 * gib, answer{remediate.Healthy, "1.0 GiB are free (10.0 %)"}},
		"too small a share": {DiskOptions{MinPercent: 11}, gib, 9 * gib, answer{remediate.Unhealthy, "1.0 GiB are free (10.0 %), expected at least 11.0 %"}},
		"too few bytes":     {DiskOptions{MinBytes: 2 * gib}, gib, 0, answer{remediate.Unhealthy, "1.0 GiB are free (100.0 %), expected at least 2.0 GiB"}},
		"no size at all":    {DiskOptions{MinPercent: 10}, 0, 0, answer{remediate.Unknown, "the file system has no size"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := NewDisk(c.o).judge(c.free, c.used); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestDiskLooksAtThisHost(t *testing.T) {
	sees(t, NewDisk(DiskOptions{Name: "x", Path: t.TempDir(), MinBytes: 1}), remediate.Healthy, "are free")
	sees(t, NewDisk(DiskOptions{Name: "x", Path: t.TempDir(), MinBytes: 1 << 62}), remediate.Unhealthy, "expected at least")
	sees(t, NewDisk(DiskOptions{Name: "x", Path: "/no/such/path", MinBytes: 1}), remediate.Unknown, "cannot look at /no/such/path")
	sees(t, NewDisk(DiskOptions{Name: "x", Path: "/proc", MinPercent: 1}), remediate.Unknown, "no size")
}

// TestAFileSystemThatHangsHoldsOneLookAndNoCaller has a look that does not come
// back until the test lets it.
func TestAFileSystemThatHangsHoldsOneLookAndNoCaller(t *testing.T) {
	turn, release, looks := newTurn(), make(chan struct{}), 0
	hang := func() answer {
		looks++
		<-release
		return healthy("")
	}
	for _, want := range []string{"the file system did not answer in time", "the file system has not answered an earlier question"} {
		ctx, cancel := context.WithTimeout(t.Context(), haste)
		if got := turn.look(ctx, hang); got != (answer{remediate.Unknown, want}) {
			t.Errorf("%v", got)
		}
		cancel()
	}
	close(release)
	if got := turn.look(t.Context(), func() answer { return healthy("again") }); got.health != remediate.Healthy {
		t.Errorf("%v", got)
	}
	if looks != 1 {
		t.Errorf("%d looks", looks)
	}
}
