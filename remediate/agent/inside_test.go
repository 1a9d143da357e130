package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
	"nightshift/remediate/qemu/link"
)

// The epochs of two starts of a machine.
const (
	firstStart  = "01JD0000000000000000000001"
	secondStart = "01JD0000000000000000000002"
)

// hosted is an agent in a virtual machine, with its state on a disk of that serial
// number, told that the host keeps the disk "data".
func hosted(t *testing.T, s *Settings, told, serial string) Option {
	t.Helper()
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/nothing")
	device, err := deviceOf(s.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	h := Hardware{Credentials: t.TempDir(), Sys: sysfs(t, device, map[string]string{"serial": serial}), Port: "/nothing"}
	put(t, filepath.Join(h.Credentials, epochCredential), told)
	return On(h)
}

// startIn runs an agent on that machine until the test ends.
func startIn(t *testing.T, s Settings, on Option) *Agent {
	t.Helper()
	a, err := New(s, "v0.0.0", slog.New(slog.NewTextHandler(t.Output(), nil)), on)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, a) })
	return a
}

// put writes a file, and the directories that it needs.
func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOutsideOfAVMNothingChanges(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/nothing")
	a := startIn(t, settings(t), On(Hardware{Sys: t.TempDir(), Port: "/nothing"}))
	if a.settings.Mode != remediate.Act || a.degraded(t.Context())["inside"] != "" || a.inside.hosted {
		t.Errorf("mode %s, %+v", a.settings.Mode, a.inside)
	}
}

func TestAnAgentWhoseStateStaysMayAct(t *testing.T) {
	s := settings(t)
	a := startIn(t, s, hosted(t, &s, firstStart+" keep=other,data", "data"))
	if lacks := a.degraded(t.Context())["inside"]; a.settings.Mode != remediate.Act || lacks != "" {
		t.Errorf("mode %s: %s", a.settings.Mode, lacks)
	}
}

func TestAnAgentWhoseStateMayGoBackOnlyObserves(t *testing.T) {
	for told, want := range map[string]string{
		firstStart + " keep=data": `lies on the disk "system", and the host keeps data`,
		firstStart:                `the host keeps none`,
		"1 keep=system":           `expected a ULID first, found "1"`,
	} {
		t.Run(told, func(t *testing.T) {
			s := settings(t)
			on := hosted(t, &s, told, "system")
			s.Mode = remediate.Act
			port := filepath.Join(t.TempDir(), "port")
			put(t, port, "")
			a, err := New(s, "v0.0.0", slog.New(slog.DiscardHandler), on, func(a *Agent) { a.inside.hardware.Port = port })
			if err != nil {
				t.Fatal(err)
			}
			defer stop(t, a)
			lacks := map[string]string{}
			a.lacksInside(lacks)
			if a.settings.Mode != remediate.WatchOnly || !strings.Contains(lacks["inside"], want) {
				t.Errorf("mode %s: %q, want it to say %q", a.settings.Mode, lacks["inside"], want)
			}
			if got := buildInfo(t, a); got != "observe" {
				t.Errorf("build_info says mode %q", got)
			}
		})
	}
}

// buildInfo is the mode that the metric says.
func buildInfo(t *testing.T, a *Agent) string {
	t.Helper()
	families, err := a.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "nightshift_build_info" {
			continue
		}
		for _, l := range f.GetMetric()[0].GetLabel() {
			if l.GetName() == "mode" {
				return l.GetValue()
			}
		}
	}
	return ""
}

func TestANewStartHandsOverAndStandsAside(t *testing.T) {
	s := settings(t)
	first := startIn(t, s, hosted(t, &s, firstStart+" keep=data", "data"))
	post(t, first, firing("rave_webhook_errors"))
	c := operator(t, first)
	open := incidents(t, c, func(s oncall.Summary) bool { return s.State.Live() })
	if _, err := first.engine.Freeze(t.Context(), "ann", "a night off", 0, nil); err != nil {
		t.Fatal(err)
	}
	stop(t, first)

	second := startIn(t, s, hosted(t, &s, secondStart+" keep=data", "data"))
	told := incidents(t, operator(t, second), func(s oncall.Summary) bool { return s.ID == open.ID })
	if told.State != remediate.Escalated {
		t.Errorf("what was under way is %s", told.State)
	}
	if f, err := second.engine.Frozen(t.Context()); err != nil || f == nil || f.By != "ann" {
		t.Errorf("frozen by %+v, %v: the freeze was forgotten", f, err)
	}
	types := eventsOf(t, second)
	n := slices.Index(types, remediate.HostStoodAside)
	if m := slices.Index(types[n+1:], remediate.HostStoodAside); m < 0 {
		t.Errorf("it stood aside %v, want it once for each start", types)
	}
	stop(t, second)

	again := startIn(t, s, hosted(t, &s, secondStart+" keep=data", "data"))
	if got := eventsOf(t, again); len(got) != len(types) {
		t.Errorf("the same start again is news: %v", got[len(types):])
	}
}

// eventsOf are the types of all events of the log.
func eventsOf(t *testing.T, a *Agent) []remediate.EventType {
	t.Helper()
	var types []remediate.EventType
	err := history{a.journal}.Events(t.Context(), "", time.Time{}, func(e remediate.Event) error {
		types = append(types, e.Type)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func TestNoAlertFromBeforeActs(t *testing.T) {
	s := settings(t)
	first := startIn(t, s, hosted(t, &s, firstStart+" keep=data", "data"))
	stop(t, first)
	// It was stored and not read when the power went.
	store, err := New(s, "v0.0.0", slog.New(slog.DiscardHandler), hosted(t, &s, firstStart+" keep=data", "data"))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.startServing(); err != nil {
		t.Fatal(err)
	}
	post(t, store, firing("rave_webhook_errors"))
	stop(t, store)

	second := startIn(t, s, hosted(t, &s, secondStart+" keep=data", "data"))
	at, err := second.engine.Cursor(t.Context())
	if err != nil || at.Message == 0 {
		t.Fatalf("read up to %v, %v: the alert from before is still to come", at, err)
	}
	post(t, second, firing("rave_high_memory_usage"))
	c := operator(t, second)
	incidents(t, c, func(s oncall.Summary) bool { return s.Playbook == "high-memory" })
	var list []oncall.Summary
	if err := c.Ask(t.Context(), oncall.AskIncidents, oncall.Filter{}, &list); err != nil || len(list) != 1 {
		t.Errorf("%+v %v, want the new alert's incident alone", list, err)
	}
}

func TestATargetIsReadOnlyOnceAwake(t *testing.T) {
	awake := make(chan struct{})
	w := sleeper{&world{}, awake}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	host := remediate.Target{Kind: remediate.HostKind, Name: "h"}
	if s := w.Situation(ctx, host); s.Known || !strings.Contains(s.Detail, "not known yet") {
		t.Errorf("%+v", s)
	}
	close(awake)
	if s := w.Situation(t.Context(), host); strings.Contains(s.Detail, "not known yet") {
		t.Errorf("%+v", s)
	}
}

// TestTheAgentsSpeak has a terminal for a port: like that, a character device that
// can be waited for.
func TestTheAgentsSpeak(t *testing.T) {
	master, port := terminal(t)
	s := settings(t)
	on := hosted(t, &s, firstStart+" keep=data", "data")
	a := startIn(t, s, func(a *Agent) { on(a); a.inside.hardware.Port = port })
	if _, err := a.engine.Freeze(t.Context(), "ann", "a test", 0, nil); err != nil {
		t.Fatal(err)
	}
	heard := make(chan link.Status, 100)
	h := link.NewHost(func(context.Context) (link.Stream, error) { return again(master) }, func(s link.Status) { heard <- s })
	defer h.Close()
	want := link.Status{Version: "v0.0.0", Host: "rave-1", Epoch: firstStart, Mode: "act", Frozen: true}
	for got := range heard {
		if got == want {
			break
		}
	}
	if err := h.StandAside(t.Context(), 20*time.Minute, "power-down rave"); err != nil {
		t.Fatal(err)
	}
	types := eventsOf(t, a)
	if types[len(types)-1] != remediate.HostStoodAside {
		t.Errorf("%v, want the order to be durable once it is answered", types)
	}
}

// again is another descriptor of a terminal, so that it stays when that is closed: a
// number that is free may be another process's next.
func again(master *os.File) (link.Stream, error) {
	raw, err := master.SyscallConn()
	if err != nil {
		return nil, err
	}
	var copied int
	var failed error
	err = raw.Control(func(fd uintptr) { copied, failed = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	return os.NewFile(uintptr(copied), "ptmx"), errors.Join(err, failed)
}

// terminal is a pseudoterminal that changes nothing of what it carries: pts(4).
func terminal(t *testing.T) (master *os.File, port string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	plain := unix.Termios{Cflag: unix.CS8 | unix.CREAD}
	plain.Cc[unix.VMIN] = 1 // a read waits for a byte
	raw, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var number int
	var failed error
	err = raw.Control(func(fd uintptr) {
		if failed = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failed == nil {
			number, failed = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
		if failed == nil {
			failed = unix.IoctlSetTermios(int(fd), unix.TCSETS, &plain)
		}
	})
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return master, fmt.Sprintf("/dev/pts/%d", number)
}
