package journal

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// childRole is the environment variable that makes this test binary a child that
// a test may kill; see [TestMain].
const childRole = "JOURNAL_TEST_CHILD"

// child runs this binary in a role, on a state directory.
func child(t *testing.T, role, dir string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(append(os.Environ(), childRole+"="+role, "CHILD_DIR="+dir), env...)
	cmd.Stderr = os.Stderr
	return cmd
}

// roles are what a child can do, each with its state directory.
var roles = map[string]func(dir string) error{
	"append": appendForEver,
	"fill":   fill,
	"open":   openAndTell,
	"full":   fillTheDisk,
}

// openChild opens and replays the journal of a child.
func openChild(dir string) (*agent, *Damage, error) {
	a := newAgent()
	j, err := Open(context.Background(), a.options(dir))
	if err != nil {
		return nil, nil, err
	}
	a.Journal = j
	damage, err := j.Replay(context.Background(), a.apply)
	return a, damage, err
}

// appendForEver appends events and batches, and tells of each that was
// acknowledged.
func appendForEver(dir string) error {
	a, _, err := openChild(dir)
	if err != nil {
		return err
	}
	for i := range 1_000_000 {
		n, err := a.Append(context.Background(), a.comment("A", fmt.Sprint(i)))
		if err != nil {
			return err
		}
		a.fold.Events["A"]++
		position, err := a.StoreAlerts(context.Background(), []byte(fmt.Sprint(i)))
		if err != nil && !errors.Is(err, ErrOverloaded) {
			return err
		}
		fmt.Println(n, position)
	}
	return nil
}

func TestNothingAcknowledgedIsLostByAKill(t *testing.T) {
	dir := t.TempDir()
	var last, position uint64
	for round := range 10 {
		cmd := child(t, "append", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// After so many lines it is killed wherever it is then.
		lines := bufio.NewScanner(out)
		for left := 5 + rand.IntN(200); left > 0 && lines.Scan(); left-- {
		}
		_ = cmd.Process.Kill()
		for more := true; more; more = lines.Scan() {
			if _, err := fmt.Sscan(lines.Text(), &last, &position); err != nil {
				t.Fatalf("the child said %q", lines.Text())
			}
		}
		_ = cmd.Wait()

		a := start(t, dir)
		if damage := a.Damage(); damage != nil {
			t.Fatalf("round %d: %v", round, damage)
		}
		if n := a.Head().N; n < last || n > last+1 {
			t.Fatalf("round %d: the log ends with %d, acknowledged were %d", round, n, last)
		}
		if state, err := a.alerts.state(t.Context()); err != nil || state.LastSeq < position {
			t.Fatalf("round %d: the alerts end with %d (%v), acknowledged were %d", round, state.LastSeq, err, position)
		}
		report, err := a.Verify(t.Context())
		if err != nil || len(report.Flaws) > 0 {
			t.Fatalf("round %d: %+v %v", round, report, err)
		}
		a.stop(t)
	}
}

// filled is how many events and batches fill stores.
const filled, filledAlerts = 300, 20

// fill fills a store and ends as a killed process does, or properly.
func fill(dir string) error {
	a, _, err := openChild(dir)
	if err != nil {
		return err
	}
	for i := range filled {
		if _, err := a.Append(context.Background(), a.comment("A", strings.Repeat("x", 200))); err != nil {
			return err
		}
		a.fold.Events["A"]++
		if i < filledAlerts {
			if _, err := a.StoreAlerts(context.Background(), []byte(strings.Repeat("alert", 100))); err != nil {
				return err
			}
		}
	}
	if os.Getenv("CHILD_CLOSE") == "" {
		return nil
	}
	return a.Close(context.Background())
}

// openAndTell opens each store that it is told of on its input, damaged or not,
// and says in a line what came of it.
func openAndTell(string) error {
	dirs := bufio.NewScanner(os.Stdin)
	for dirs.Scan() {
		said, err := openOne(dirs.Text())
		if err != nil {
			said = "error " + err.Error()
		}
		fmt.Println(strings.ReplaceAll(said, "\n", " "))
	}
	return dirs.Err()
}

func openOne(dir string) (string, error) {
	a, _, err := openChild(dir)
	if err != nil {
		return "", err
	}
	if _, err := a.ReadAlerts(context.Background(), filledAlerts); err != nil {
		return "", err
	}
	damage, fold := a.Damage(), a.fold.Events["A"]
	n, err := a.Append(context.Background(), a.comment("B", "after"))
	if err != nil {
		return "", err
	}
	if damage != nil {
		return fmt.Sprintln("damaged", n, damage), a.Close(context.Background())
	}
	return fmt.Sprint("sound ", n, " ", fold), a.Close(context.Background())
}

// opener is the child that opens stores.
type opener struct {
	in  io.Writer
	out *bufio.Scanner
}

func newOpener(t *testing.T) *opener {
	t.Helper()
	cmd := child(t, "open", "")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Whatever a damage does to it, it is not waited for.
	kill := time.AfterFunc(64*openDeadline, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		kill.Stop()
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the child that opens stores: %v", err)
		}
	})
	return &opener{in, bufio.NewScanner(out)}
}

// flips are the outcomes of flipped bits.
type flips struct{ repaired, damaged int }

// try opens a copy of a store in which one bit of a file is flipped.
func (f *flips) try(t *testing.T, o *opener, store, file string, at, bit int) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.CopyFS(dir, os.DirFS(store)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, file)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text[at] ^= 1 << bit
	if err := os.WriteFile(name, text, 0o640); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	fmt.Fprintln(o.in, dir)
	if !o.out.Scan() {
		t.Fatalf("bit %d of byte %d of %s ended the process", bit, at, file)
	}
	switch said := o.out.Text(); {
	case said == fmt.Sprintf("sound %d %d", filled+1, filled):
		f.repaired++
	case strings.HasPrefix(said, fmt.Sprintf("damaged %d ", filled+1)):
		f.damaged++
	default:
		t.Errorf("bit %d of byte %d of %s: it said %q", bit, at, file, said)
	}
	if took := time.Since(began); took > openDeadline {
		t.Errorf("bit %d of byte %d of %s: it took %s", bit, at, file, took)
	}
}

// stored lists the files of a store that have anything in them.
func stored(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), storeDir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if info, err := entry.Info(); err != nil || info.Size() > 0 {
			files = append(files, name)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// A store is damaged on a disk that was stopped well, and on one that was not:
// in the first the server trusts its index, in the second it has none.
func TestAFlippedBitIsRepairedOrReported(t *testing.T) {
	for name, env := range map[string]string{"closed": "CHILD_CLOSE=1", "killed": "CHILD_CLOSE="} {
		t.Run(name, func(t *testing.T) {
			store := t.TempDir()
			if out, err := child(t, "fill", store, env).Output(); err != nil {
				t.Fatalf("cannot fill a store: %v %s", err, out)
			}
			files := stored(t, store)
			random := rand.New(rand.NewPCG(40, 24))
			o := newOpener(t)
			var any, sequences flips
			for range 20 {
				file := files[random.IntN(len(files))]
				any.try(t, o, store, file, random.IntN(length(t, store, file)), random.IntN(8))
			}
			for range 20 {
				file := theLog(t, files)
				any.try(t, o, store, file, random.IntN(length(t, store, file)), random.IntN(8))
			}
			for i := range 24 {
				file := theLog(t, files)
				if i%4 == 3 {
					file = filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(file))), alertsStream("rave-1"), "msgs", "1.blk")
				}
				at := sequenceField(t, store, file, i, random)
				bit := random.IntN(64)
				sequences.try(t, o, store, file, at+bit/8, bit%8)
			}
			t.Logf("40 flips: %d repaired, %d damaged; 24 in sequences: %d repaired, %d damaged",
				any.repaired, any.damaged, sequences.repaired, sequences.damaged)
		})
	}
}

func length(t *testing.T, store, file string) int {
	t.Helper()
	info, err := os.Stat(filepath.Join(store, file))
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Size())
}

// theLog is the block of the log's stream.
func theLog(t *testing.T, files []string) string {
	t.Helper()
	for _, file := range files {
		if strings.Contains(file, "streams/journal-") && strings.HasSuffix(file, ".blk") {
			return file
		}
	}
	t.Fatalf("no block of the log in %v", files)
	return ""
}

// sequenceField is where the sequence of a record stands: of the first, of the
// last, or of any.
func sequenceField(t *testing.T, store, file string, i int, random *rand.Rand) int {
	t.Helper()
	block, err := os.ReadFile(filepath.Join(store, file))
	if err != nil {
		t.Fatal(err)
	}
	var records []int
	for at := 0; at+recordMin < len(block); {
		records = append(records, at)
		at += int(binary.LittleEndian.Uint32(block[at:]) &^ headersBit)
	}
	switch i % 3 {
	case 0:
		return records[0] + 4
	case 1:
		return records[len(records)-1] + 4
	default:
		return records[random.IntN(len(records))] + 4
	}
}
