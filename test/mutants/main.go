// Command mutants tests the tester: each patch beside it takes one promise away from
// the agent, and the simulation has to notice, by itself.
//
// It copies the sources, applies one patch after the other, and lets `test/simulate`
// run for a bounded time. It fails when a patch does not apply, when one is not
// caught, and when the sources without a patch break an invariant.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

func main() {
	hours := flag.Float64("hours", 400, "how much a mutant is simulated at the most")
	seed := flag.Uint64("seed", 1, "the first seed")
	only := flag.String("only", "", "run the patches only whose names hold this")
	flag.Parse()
	if err := run(*hours, *seed, *only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// mutant is one patch, and what came of it.
type mutant struct {
	name, patch string
	caught      bool
	by          string
	took        time.Duration
	err         error
}

func run(hours float64, seed uint64, only string) error {
	patches, err := filepath.Glob("test/mutants/*.patch")
	if err != nil || len(patches) == 0 {
		return errors.Join(errors.New("cannot find test/mutants/*.patch: run it from the root of the project"), err)
	}
	all := []*mutant{{name: "nothing"}}
	for _, patch := range patches {
		name := strings.TrimSuffix(filepath.Base(patch), ".patch")
		if strings.Contains(name, only) {
			all = append(all, &mutant{name: name, patch: patch})
		}
	}
	work := make(chan *mutant)
	var workers sync.WaitGroup
	for range min(runtime.NumCPU(), 2) { // a compiler and a simulation each
		workers.Go(func() {
			for m := range work {
				m.lives(hours, seed)
				fmt.Printf("  %-36s caught=%-5t %6.1fs  %s\n", m.name, m.caught, m.took.Seconds(), m.says())
			}
		})
	}
	for _, m := range all {
		work <- m
	}
	close(work)
	workers.Wait()
	return verdict(all)
}

func (m *mutant) says() string {
	if m.err != nil {
		return m.err.Error()
	}
	return m.by
}

// verdict counts what was caught.
func verdict(all []*mutant) error {
	var errs []error
	caught := 0
	for _, m := range all[1:] {
		if m.err == nil && m.caught {
			caught++
			continue
		}
		errs = append(errs, fmt.Errorf("%s was not caught: %s", m.name, cmp.Or(m.says(), "no invariant broke")))
	}
	if clean := all[0]; clean.caught || clean.err != nil {
		errs = append(errs, fmt.Errorf("the sources without a patch break an invariant: %s", clean.says()))
	}
	fmt.Printf("mutants=%d caught=%d\n", len(all)-1, caught)
	return errors.Join(errs...)
}

// lives simulates one mutant in a copy of the sources.
func (m *mutant) lives(hours float64, seed uint64) {
	began := time.Now()
	defer func() { m.took = time.Since(began) }()
	dir, err := os.MkdirTemp("", "nightshift-mutant-")
	if err != nil {
		m.err = err
		return
	}
	defer os.RemoveAll(dir)
	if m.err = copySources(dir); m.err != nil {
		return
	}
	if m.patch != "" {
		patch, err := filepath.Abs(m.patch)
		if err != nil {
			m.err = err
			return
		}
		if out, err := command(dir, "git", "apply", "--whitespace=nowarn", patch).CombinedOutput(); err != nil {
			m.err = fmt.Errorf("the patch does not apply: %s", bytes.TrimSpace(out))
			return
		}
	} else {
		hours = min(hours, 60)
	}
	if out, err := command(dir, "go", "test", "-c", "-o", "simulate.test", "./test/simulate").CombinedOutput(); err != nil {
		m.err = fmt.Errorf("it does not compile: %s", bytes.TrimSpace(out))
		return
	}
	program := command(filepath.Join(dir, "test", "simulate"), filepath.Join(dir, "simulate.test"),
		"-test.run", "^TestSimulation$", "-test.timeout", "10m", "-full=false",
		"-hours", fmt.Sprint(hours), "-seed", fmt.Sprint(seed))
	out, _ := program.CombinedOutput()
	m.reads(string(out))
}

// reads finds what the simulation said: only a breach that it names is one.
func (m *mutant) reads(out string) {
	switch {
	case strings.Contains(out, " breaches=0 "):
	case strings.Contains(out, " breaches="):
		m.caught = true
		_, after, _ := strings.Cut(out, "broke an invariant; ")
		if lines := strings.SplitN(after, "\n", 3); len(lines) > 1 {
			m.by = strings.TrimSpace(lines[1])
		}
		m.by = m.by[:min(len(m.by), 150)]
	default:
		m.err = fmt.Errorf("the simulation did not end: %s", died(out))
	}
}

// died is where a program told why it died, or else how it ended.
func died(out string) string {
	const enough = 2000
	for _, last := range []string{"panic: ", "fatal error: ", "WARNING: DATA RACE"} {
		if at := strings.Index(out, last); at >= 0 {
			return out[at:min(len(out), at+enough)]
		}
	}
	return out[max(0, len(out)-enough):]
}

func command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	return cmd
}

// copySources copies what the simulation is built of.
func copySources(to string) error {
	return filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path == ".git" || path == "bin" {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), text, 0o644)
	})
}
