package world

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// holdVariable has this test binary do nothing but hold a world.
const holdVariable = "NIGHTSHIFT_TEST_HOLD"

// holdUntilKilled starts a world, tells where it is and who keeps it, and
// waits to be killed.
func holdUntilKilled() {
	w, err := Start(context.Background(), Options{})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(w.keeper.dir, w.keeper.cmd.Process.Pid)
	select {}
}

// abandoned is a world whose process is about to die.
type abandoned struct {
	process *exec.Cmd
	dir     string
	keeper  int
	groups  []string
}

func abandon(t *testing.T) abandoned {
	t.Helper()
	self := exec.Command(os.Args[0])
	self.Env = append(os.Environ(), holdVariable+"=1")
	out, err := self.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = self.Process.Kill(); _ = self.Wait() })
	line, _ := bufio.NewReader(out).ReadString('\n')
	dir, number, _ := strings.Cut(strings.TrimSpace(line), " ")
	keeper, err := strconv.Atoi(number)
	if err != nil {
		t.Fatalf("the holder says %q", line)
	}
	return abandoned{self, dir, keeper, groupsOf(t, dir)}
}

func groupsOf(t *testing.T, dir string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "cgroups.json"))
	if err != nil {
		t.Fatal(err)
	}
	var groups []struct{ Path string }
	if err := json.Unmarshal(text, &groups); err != nil || len(groups) == 0 {
		t.Fatalf("groups %s: %v", text, err)
	}
	var paths []string
	for _, g := range groups {
		paths = append(paths, g.Path)
	}
	return paths
}

// gone fails unless all paths vanish.
func gone(t *testing.T, paths ...string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for _, path := range paths {
		for {
			if _, err := os.Stat(path); os.IsNotExist(err) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s is still there", path)
			}
			time.Sleep(healthPoll)
		}
	}
}

func TestAWorldEndsWithAKilledProcess(t *testing.T) {
	a := abandon(t)
	if err := a.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	gone(t, append(a.groups, a.dir, fmt.Sprintf("/proc/%d", a.keeper))...)
}

func TestTheNextStartRemovesWhatAKilledKeeperLeft(t *testing.T) {
	a := abandon(t)
	for _, pid := range []int{a.keeper, a.process.Process.Pid} {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	gone(t, fmt.Sprintf("/proc/%d", a.keeper))
	if _, err := os.Stat(a.dir); err != nil {
		t.Fatalf("nothing was left to remove: %v", err)
	}
	next, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer next.Stop()
	gone(t, append(a.groups, a.dir)...)
}

func TestStopLeavesNothingAndMayBeRepeated(t *testing.T) {
	w, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	left := append(groupsOf(t, w.keeper.dir), w.keeper.dir, fmt.Sprintf("/proc/%d", w.pid.Load()))
	for range 2 {
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
	}
	for _, path := range left {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is still there (%v)", path, err)
		}
	}
	if _, err := w.Exec(t.Context(), "true"); err == nil {
		t.Error("a program ran in a world that has ended")
	}
}

func TestAWorldThatEndsByItselfIsAnError(t *testing.T) {
	w, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(int(w.pid.Load()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-w.keeper.ended
	if err := w.Stop(); err == nil || !strings.Contains(err.Error(), "ended by itself") {
		t.Errorf("Stop says %v, want that the world ended by itself", err)
	}
}

func TestFactorsThatLeaveNoTimeAreRefused(t *testing.T) {
	if _, err := Start(t.Context(), Options{Services: Site, Factor: maxFactor + 1}); err == nil || !strings.Contains(err.Error(), "1 to 50") {
		t.Errorf("got %v, want an error that names the bounds", err)
	}
}
