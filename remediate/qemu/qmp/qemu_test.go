package qmp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/digitalocean/go-qemu/qmp"
	"github.com/google/go-cmp/cmp"

	"nightshift/remediate/qemu/qmp/qmptest"
)

func TestAMachineIsWokenAndReset(t *testing.T) {
	conn := session(t, qmptest.Start(t).Socket)
	if conn.Version.QEMU.Major == 0 {
		t.Errorf("the greeting told no version: %+v", conn.Version)
	}
	if version, err := conn.QEMUVersion(t.Context()); err != nil || version != conn.Version {
		t.Errorf("query-version says %v, %v; the greeting %v", version, err, conn.Version)
	}
	isIn(t, conn, Status{Running: false, State: Prelaunch})
	events := conn.Subscribe(t.Context())
	if err := conn.Continue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(events.Events()) == 0 {
		t.Error("RESUME, which QEMU sends before its answer, is not there after it")
	}
	isIn(t, conn, Status{Running: true, State: Running})
	if err := errors.Join(conn.Reset(t.Context()), conn.PowerDown(t.Context())); err != nil {
		t.Fatal(err)
	}
	hears(t, events, "RESUME")
	hears(t, events, "RESET")
}

func isIn(t *testing.T, conn *Conn, want Status) {
	t.Helper()
	got, err := conn.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("the machine is %+v, want %+v", got, want)
	}
}

// hears reads events up to one of that name.
func hears(t *testing.T, s *Subscription, name string) {
	t.Helper()
	for {
		select {
		case e, open := <-s.Events():
			if !open {
				t.Fatalf("the events ended without %s", name)
			}
			if e.Event == name {
				return
			}
		case <-time.After(long):
			t.Fatalf("no event %s", name)
		}
	}
}

func TestQuitEndsQEMUAndTheConnection(t *testing.T) {
	q := qmptest.Start(t)
	conn := session(t, q.Socket)
	events := conn.Subscribe(t.Context())
	if err := conn.Quit(t.Context()); err != nil {
		wants(t, err, ErrInDoubt, ErrGone)
	}
	<-conn.Gone()
	q.Wait()
	wants(t, conn.Err(), ErrGone)
	hears(t, events, "SHUTDOWN")
	_, err := conn.Status(t.Context())
	wants(t, err, ErrGone)
	notInDoubt(t, err)
}

func TestTwoDisksGetTheirOverlaysAtOneMoment(t *testing.T) {
	dir := t.TempDir()
	base := func(name string) string { return filepath.Join(dir, name+".qcow2") }
	var args []string
	for _, disk := range []string{"system", "state"} {
		image(t, base(disk), "")
		image(t, base(disk+"-1"), base(disk))
		args = append(args, "-drive", fmt.Sprintf("id=%s,if=none,node-name=%s-0,format=qcow2,file=%s", disk, disk, base(disk)))
	}
	conn := session(t, qmptest.Start(t, args...).Socket)
	for _, disk := range []string{"system", "state"} {
		if err := conn.AddOverlay(t.Context(), disk+"-1", base(disk+"-1")); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Snapshot(t.Context(), Over{"system-0", "system-1"}, Over{"state-0", "state-1"}); err != nil {
		t.Fatal(err)
	}
	drives, err := conn.Drives(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, d := range drives {
		got[d.Device] = append([]string{d.Inserted.Name, d.Inserted.Format}, d.Inserted.Image.Chain()...)
	}
	want := map[string][]string{
		"system": {"system-1", "qcow2", base("system-1"), base("system")},
		"state":  {"state-1", "qcow2", base("state-1"), base("state")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnOverlayIsPutOnAndAnUnusedOneTakenAway(t *testing.T) {
	dir := t.TempDir()
	base, one, two := filepath.Join(dir, "base"), filepath.Join(dir, "one"), filepath.Join(dir, "two")
	image(t, base, "")
	image(t, one, base)
	image(t, two, base)
	conn := session(t, qmptest.Start(t, "-drive", "id=d,if=none,node-name=zero,format=qcow2,file="+base).Socket)
	if err := errors.Join(conn.AddOverlay(t.Context(), "one", one), conn.AddOverlay(t.Context(), "two", two)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(conn.Snapshot(t.Context(), Over{"zero", "one"}), conn.RemoveNode(t.Context(), "two")); err != nil {
		t.Fatal(err)
	}
	if jobs, err := conn.BlockJobs(t.Context()); err != nil || len(jobs) != 0 {
		t.Errorf("got jobs %v, %v", jobs, err)
	}
	nodes, err := conn.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	backings := map[string]string{}
	for _, n := range nodes {
		if n.Format == "qcow2" {
			backings[n.Name] = n.BackingFile
		}
	}
	if diff := cmp.Diff(map[string]string{"zero": "", "one": base}, backings); diff != "" {
		t.Error(diff)
	}
}

// image makes an empty disk, or an overlay on one.
func image(t *testing.T, file, on string) {
	t.Helper()
	args := []string{"create", "-q", "-f", "qcow2"}
	if on != "" {
		args = append(args, "-b", on, "-F", "qcow2", "-u")
	}
	if out, err := exec.Command(qmptest.Program(t, "qemu-img"), append(args, file, "1M")...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestARefusalKeepsItsClass(t *testing.T) {
	conn := session(t, qmptest.Start(t).Socket)
	err := conn.RemoveNode(t.Context(), "nobody")
	var refused *Error
	if !errors.As(err, &refused) || refused.Class != ClassGeneric || refused.Desc == "" {
		t.Errorf("got %v, want an error of class %s", err, ClassGeneric)
	}
	notInDoubt(t, err)
	_, err = conn.Do(t.Context(), qmp.Command{Execute: "qmp_capabilities"})
	if !errors.As(err, &refused) || refused.Class != ClassCommandNotFound {
		t.Errorf("got %v, want an error of class %s", err, ClassCommandNotFound)
	}
}

func TestAPictureOfTheScreen(t *testing.T) {
	conn := session(t, qmptest.Start(t, "-device", "VGA").Socket)
	file := filepath.Join(t.TempDir(), "screen")
	for format, magic := range map[Format]string{PPM: "P6", PNG: "\x89PNG"} {
		if err := conn.Screendump(t.Context(), file, format); err != nil {
			t.Fatal(err)
		}
		if picture, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(picture, []byte(magic)) {
			t.Errorf("as %s: got %.10q, %v", format, picture, err)
		}
	}
}

func TestAnAnswerOf207KiloBytesIsReadWhole(t *testing.T) {
	const nodes = 450
	var args []string
	for i := range nodes {
		args = append(args, "-blockdev", fmt.Sprintf("driver=null-co,node-name=node-%04d,read-zeroes=on,read-only=on", i))
	}
	conn := session(t, qmptest.Start(t, args...).Socket)
	raw, err := conn.Do(t.Context(), qmp.Command{Execute: "query-named-block-nodes"})
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) < 207_000 {
		t.Errorf("the answer has %d bytes, too few for this test", len(raw))
	}
	if all, err := conn.Nodes(t.Context()); err != nil || len(all) != nodes {
		t.Errorf("got %d nodes of %d: %v", len(all), nodes, err)
	}
}

func TestASecondClientIsToldThatTheSocketIsHeld(t *testing.T) {
	q := qmptest.Start(t)
	first := client(t, q.Socket)
	if err := first.Connect(); err != nil {
		t.Fatal(err)
	}
	// QEMU lets two wait, and the third is turned away at once: both are the same to us.
	for range 4 {
		second := clientWith(t, Options{Socket: q.Socket, Greeting: 50 * time.Millisecond})
		_, err := second.Status(t.Context())
		wants(t, err, ErrHeld)
		notInDoubt(t, err)
	}
	if err := first.Disconnect(); err != nil {
		t.Fatal(err)
	}
	if _, err := client(t, q.Socket).Status(t.Context()); err != nil {
		t.Errorf("the socket is free now: %v", err)
	}
}

func TestAStoppedQEMUHoldsUpNobodyForLongerThanTheyWait(t *testing.T) {
	q := qmptest.Start(t)
	conn := session(t, q.Socket)
	q.Stop()
	wants(t, until(t, ErrInDoubt, conn.Continue), context.DeadlineExceeded)
	q.Continue()
	// Answers come in the order of the commands: that to cont is nobody's now.
	isIn(t, conn, Status{Running: true, State: Running})
}

func TestAQEMUThatIsStoppedBeforeItGreetsLooksHeld(t *testing.T) {
	q := qmptest.Start(t)
	q.Stop()
	_, err := clientWith(t, Options{Socket: q.Socket, Greeting: 50 * time.Millisecond}).Status(t.Context())
	wants(t, err, ErrHeld)
}

func TestAQEMUThatIsKilledTakesItsCallsAlongAndTheNextOneIsFound(t *testing.T) {
	q := qmptest.Start(t)
	c := client(t, q.Socket)
	conn, err := c.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q.Stop()
	failed := make(chan error, 8)
	for range cap(failed) {
		go func() { _, err := conn.Status(t.Context()); failed <- err }()
	}
	until(t, ErrInDoubt, conn.Continue)
	q.Kill()
	for range cap(failed) {
		wants(t, <-failed, ErrGone)
	}
	<-conn.Gone()
	_, err = c.Status(t.Context())
	wants(t, err, ErrGone)
	notInDoubt(t, err)
	qmptest.StartOn(t, q.Socket)
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("the new QEMU was not found: %v", err)
	}
}
