package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// insideVariable marks the process of a test binary that runs in a world.
const insideVariable = "NIGHTSHIFT_TEST_INSIDE_WORLD"

// Inside reports whether this process is a test binary that Enter or Main
// started inside a world.
func Inside() bool { return os.Getenv(insideVariable) != "" }

// Main is the whole TestMain of a package whose tests need a systemd and a
// system D-Bus of their own:
//
//	func TestMain(m *testing.M) { world.Main(m, world.Options{}) }
//
// It starts a world, runs this same test binary inside it as root with the
// same flags, streams what it prints, and exits as it exits. So a plain
// `go test -race ./remediate/systemd` works, with the real host untouched.
//
// Inside, the working directory is the package's own path with a copy of its
// testdata, /tmp is the world's, and 127.0.0.1 has nothing on it. Files asked
// for by flags (-coverprofile, -cpuprofile …) are brought back out. New fuzz
// corpora are not. Where Options.Log is nil progress goes to standard error.
func Main(m interface{ Run() int }, o Options) {
	Enter(o)
	os.Exit(m.Run())
}

// Enter is Main for a TestMain that has more to say: it returns only inside
// the world.
//
//	func TestMain(m *testing.M) {
//		world.Enter(world.Options{})
//		goleak.VerifyTestMain(m)
//	}
func Enter(o Options) {
	if Inside() {
		return
	}
	if o.Log == nil {
		o.Log = os.Stderr
	}
	err := runInside(context.Background(), o, os.Args)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// runInside runs this test binary with args in a new world.
func runInside(ctx context.Context, o Options, args []string) (err error) {
	w, err := Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Stop()) }()
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := w.carry(here); err != nil {
		return err
	}
	flags, files := diverted(args[1:])
	program := "/usr/local/lib/nightshift/" + filepath.Base(args[0])
	cmd := w.commandIn(ctx, here, "root", append([]string{program}, flags...)...)
	cmd.Env = append(cmd.Env, insideVariable+"=1")
	cmd.Env = append(cmd.Env, goSettings()...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, os.Stdout, os.Stderr
	return errors.Join(cmd.Run(), w.bringBack(files))
}

// carry takes the test binary and the package's testdata into the world.
func (w *World) carry(here string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := w.CopyIn(self, "/usr/local/lib/nightshift/"+filepath.Base(os.Args[0])); err != nil {
		return err
	}
	if err := os.MkdirAll(w.Path(here), 0o755); err != nil {
		return err
	}
	testdata := filepath.Join(here, "testdata")
	if _, err := os.Stat(testdata); err != nil {
		return nil // a package without any
	}
	return os.CopyFS(w.Path(testdata), os.DirFS(testdata))
}

// CopyIn copies a regular file of the host into the world, with its mode.
func (w *World) CopyIn(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteFile(to, nil, info.Mode().Perm()); err != nil {
		return err
	}
	return copyTo(w.Path(to), source)
}

func copyTo(path string, source io.Reader) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, source)
	return errors.Join(err, file.Close())
}

// outputFlags are the test binary's flags that name a file to write
// (go help testflag).
var outputFlags = []string{"blockprofile", "coverprofile", "cpuprofile", "memprofile", "mutexprofile", "trace"}

// diverted rewrites the flags that name files to files of the world, and
// returns which file of the world belongs to which of the host. The log of
// opened files is left out: with none, the go command does not take a run in
// a world for one that it can cache.
func diverted(args []string) (flags []string, files map[string]string) {
	files = map[string]string{}
	directory := ""
	for _, arg := range args {
		name, value, _ := strings.Cut(strings.TrimPrefix(arg, "-test."), "=")
		switch {
		case name == "outputdir":
			directory = value
			continue
		case name == "testlogfile" || name == "gocoverdir":
			continue
		case slices.Contains(outputFlags, name) && value != "":
			files["/tmp/"+name] = value
			arg = "-test." + name + "=/tmp/" + name
		}
		flags = append(flags, arg)
	}
	for inside, outside := range files {
		if !filepath.IsAbs(outside) {
			files[inside] = filepath.Join(directory, outside)
		}
	}
	return flags, files
}

// bringBack copies the files that the tests wrote to where they were wanted.
func (w *World) bringBack(files map[string]string) error {
	var problems []error
	for inside, outside := range files {
		source, err := os.Open(w.Path(inside))
		if err != nil {
			continue // not written, as when a test panicked: it has said so
		}
		problems = append(problems, copyTo(outside, source), source.Close())
	}
	return errors.Join(problems...)
}

// goSettings are the variables that steer the Go runtime, and this project's.
func goSettings() []string {
	var kept []string
	for _, v := range os.Environ() {
		for _, prefix := range []string{"GOMAXPROCS=", "GODEBUG=", "GORACE=", "GOTRACEBACK=", "GOMEMLIMIT=", "CI=", "NIGHTSHIFT_TEST_"} {
			if strings.HasPrefix(v, prefix) {
				kept = append(kept, v)
			}
		}
	}
	return kept
}
