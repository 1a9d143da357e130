package main

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal is a pseudo-terminal of 80 columns: what is written to the second
// file can be read from the first. See pts(4).
func openTerminal(t *testing.T) (outside, inside *os.File) {
	t.Helper()
	outside, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { outside.Close() })
	if err := unix.IoctlSetPointerInt(int(outside.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(outside.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	inside, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { inside.Close() })
	if err := unix.IoctlSetWinsize(int(inside.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	return outside, inside
}

func TestATerminalHasColourAndAWidth(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	_, inside := openTerminal(t)
	if s := newScreen(&output{w: inside}); !s.colour || s.width != 80 || !s.isTerminal() {
		t.Errorf("newScreen = %+v", s)
	}
	t.Setenv("NO_COLOR", "1")
	if s := newScreen(inside); s.colour || s.width != 80 {
		t.Errorf("with NO_COLOR, newScreen = %+v", s)
	}
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "dumb")
	if s := newScreen(inside); s.colour {
		t.Errorf("with TERM=dumb, newScreen = %+v", s)
	}
}

func TestLogsAreTextOnATerminalAndJSONElsewhere(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	outside, inside := openTerminal(t)
	newLogger(inside, "auto", "info").Info("ready", slog.Int("events", 3))
	text := make([]byte, 200)
	n, err := outside.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(text[:n]); !strings.HasSuffix(got, " INF ready events=3\r\n") {
		t.Errorf("on a terminal: %q", got)
	}
	var elsewhere strings.Builder
	newLogger(&elsewhere, "auto", "info").Info("ready", slog.Int("events", 3))
	if got := elsewhere.String(); !strings.Contains(got, `"msg":"ready","events":3}`) {
		t.Errorf("elsewhere: %q", got)
	}
}
