package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// fillTheDisk is a child in a mount namespace of its own, whose state directory
// is a small file system. It fills that, and tells whether the journal comes
// back when there is space again.
func fillTheDisk(dir string) error {
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot make mounts private: %w", err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		return fmt.Errorf("cannot mount a small file system: %w", err)
	}
	ctx := context.Background()
	a, _, err := openChild(filepath.Join(dir, "state"))
	if err != nil {
		return err
	}
	if err := appendN(a, 100); err != nil {
		return err
	}
	ballast := filepath.Join(dir, "ballast")
	if err := fillWith(ballast); err != nil {
		return err
	}
	n, err := appendUntilRefused(a)
	if !errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("on a full disk append says %w", err)
	}
	if err := a.Ready(ctx); !errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("on a full disk ready says %w", err)
	}
	if _, err := a.StoreAlerts(ctx, []byte("x")); !errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("on a full disk alerts say %w", err)
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	for a.Ready(ctx) != nil { // it waits between two restarts
	}
	if err := appendN(a, 100); err != nil {
		return fmt.Errorf("with space again: %w", err)
	}
	if _, err := a.StoreAlerts(ctx, []byte("x")); err != nil {
		return err
	}
	report, err := a.Verify(ctx)
	if err != nil || len(report.Flaws) > 0 {
		return fmt.Errorf("after it all: %+v %w", report, err)
	}
	fmt.Println("restored", n, a.Head().N)
	return a.Close(ctx)
}

func appendN(a *agent, n int) error {
	for range n {
		if _, err := a.Append(context.Background(), a.comment("A", strings.Repeat("x", 1000))); err != nil {
			return err
		}
		a.fold.Events["A"]++
	}
	return nil
}

func appendUntilRefused(a *agent) (n uint64, err error) {
	for {
		if err := appendN(a, 1); err != nil {
			return a.Head().N, err
		}
	}
}

// fillWith writes a file until there is no space left.
func fillWith(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	for err == nil {
		_, err = file.Write(make([]byte, 4096))
	}
	return errors.Join(ignore(err, syscall.ENOSPC), file.Close())
}

func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

func TestAfterAFullDiskTheJournalComesBack(t *testing.T) {
	cmd := child(t, "full", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	}
	out, err := cmd.Output()
	var before, after uint64
	if _, scanned := fmt.Sscanf(string(out), "restored %d %d", &before, &after); err != nil || scanned != nil {
		t.Fatalf("the child says %q: %v", out, err)
	}
	if after != before+100 {
		t.Errorf("the log had %d events when the disk was full and has %d, want 100 more", before, after)
	}
}
