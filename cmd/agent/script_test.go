package main

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/script against the program. Each script has a folder
// and a port of its own, and no D-Bus.
func TestScripts(t *testing.T) {
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TZ", "UTC")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // or each command of a -race build takes a second to end
			env.Setenv("NIGHTSHIFT_CONFIG", env.WorkDir+"/site.yaml")
			env.Setenv("NIGHTSHIFT_STATE_DIR", env.WorkDir+"/state")
			env.Setenv("NIGHTSHIFT_LISTEN", freeAddress(t))
			env.Setenv("NIGHTSHIFT_NATS_LISTEN", "127.0.0.1:0")
			env.Setenv("FREE", freeAddress(t))
			env.Setenv("RAVE", filepath.Join(repository, "remediate/inventory/rave.yaml"))
			env.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+env.WorkDir+"/no-bus")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"append":     appendTo,
			"eventually": eventually,
			"exits":      exits,
			"expand":     expand,
			"incident":   incident,
			"private":    private,
			"signal":     signalBackground,
		},
	})
}

// freeAddress is one on which nobody listens just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// exits runs a command that has to end with a status: exits 2 nightshift incident.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND [ARG…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit := new(exec.ExitError)
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// expand puts variables into a file: expand site.yaml.
func expand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: expand FILE")
	}
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// patience is how long something may take on a machine that has much to do.
const patience = time.Minute

// eventually runs a command until its standard output matches:
// eventually PATTERN COMMAND [ARG…].
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually PATTERN COMMAND [ARG…]")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("within %s no output matched %s (%v)", patience, pattern, err)
		}
	}
}

// incident puts the ID of the only incident into a variable: incident ID.
func incident(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: incident VARIABLE")
	}
	ts.Check(ts.Exec("nightshift", "incidents", "--output", "json"))
	var listed []struct {
		ID string `json:"id"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &listed))
	if len(listed) != 1 {
		ts.Fatalf("there are %d incidents, want 1", len(listed))
	}
	ts.Setenv(args[0], listed[0].ID)
}

// appendTo adds a file to the end of another: append site.yaml people.yaml.
func appendTo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: append FILE MORE")
	}
	text := ts.ReadFile(args[0]) + ts.ReadFile(args[1])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// private says that only its owner can read a file, and that it holds a seed:
// private alice.nk.
func private(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: private FILE")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if mode := info.Mode().Perm(); mode != 0o600 {
		ts.Fatalf("%s has the mode %o, want 600", args[0], mode)
	}
	if !strings.HasPrefix(ts.ReadFile(args[0]), "SU") {
		ts.Fatalf("%s holds no seed of a user", args[0])
	}
}

// signalBackground sends the commands in the background a signal: signal HUP.
func signalBackground(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT}
	if neg || len(args) != 1 || signals[args[0]] == 0 {
		ts.Fatalf("usage: signal HUP|TERM|INT")
	}
	for _, command := range ts.BackgroundCmds() {
		ts.Check(command.Process.Signal(signals[args[0]]))
	}
}
