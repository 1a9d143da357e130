package journal

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// digest is what a directory holds: each file with its text.
func digest(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestAStoppedAgentsLogIsReadFromACopy(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 30)
	text, _, err := a.PutEvidence(t.Context(), "A", []byte("seen"))
	if err != nil {
		t.Fatal(err)
	}
	a.stop(t)
	before := digest(t, dir)

	r, err := OpenReadOnly(t.Context(), dir, "rave-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := r.Events(t.Context(), Filter{Incident: "INC00001"}, func(Recorded) error { n++; return nil }); err != nil || n != 10 {
		t.Errorf("read %d events (%v), want 10", n, err)
	}
	b := newAgent()
	if damage, err := r.Replay(t.Context(), b.apply); damage != nil || err != nil || len(b.fold.Events) != 3 {
		t.Errorf("replay: %v, %v, fold %v; want three incidents", damage, err, b.fold)
	}
	if report, err := r.Verify(t.Context()); err != nil || len(report.Flaws) != 0 || report.Head.N != 30 {
		t.Errorf("verify: %+v, %v; want 30 events without a flaw", report, err)
	}
	if ids, err := r.Incidents(t.Context(), ""); err != nil || len(ids) != 3 {
		t.Errorf("incidents: %v, %v; want three", ids, err)
	}
	if seen, err := r.GetEvidence(t.Context(), text); err != nil || string(seen) != "seen" {
		t.Errorf("evidence: %q, %v", seen, err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	after := digest(t, dir)
	for name, text := range before {
		if after[name] != text {
			t.Errorf("%s was changed", name)
		}
	}
	if len(after) != len(before) {
		t.Errorf("the state directory has %d files, had %d", len(after), len(before))
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestARunningAgentIsToBeAsked(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	if _, err := OpenReadOnly(t.Context(), dir, "rave-1", nil); !errors.Is(err, ErrRunning) {
		t.Errorf("the error is %v, want %v", err, ErrRunning)
	}
}

func TestWhereThereIsNoJournal(t *testing.T) {
	if _, err := OpenReadOnly(t.Context(), t.TempDir(), "rave-1", nil); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("the error is %v, want one that says that there is none", err)
	}
}

// nobody is a user without rights: the test runs itself as that user.
const nobody = 65534

func TestWithoutPermissionItSaysWhoMay(t *testing.T) {
	if dir := os.Getenv("READ_AS_NOBODY"); dir != "" {
		_, err := OpenReadOnly(t.Context(), dir, "rave-1", nil)
		if err == nil || !strings.Contains(err.Error(), "member of group nightshift") {
			t.Fatalf("the error is %v, want one that says who may", err)
		}
		return
	}
	dir := t.TempDir()
	start(t, dir).stop(t)
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	child := exec.Command("/proc/self/exe", "-test.run", "^TestWithoutPermissionItSaysWhoMay$")
	child.Env = append(os.Environ(), "READ_AS_NOBODY="+dir)
	if os.Getuid() == 0 {
		child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	} else if err := os.Chmod(filepath.Join(dir, "lock"), 0); err != nil {
		t.Fatal(err)
	}
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
