// Package test holds what no single package can: the rules of the house, and the
// promises that only the whole keeps.
package test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "nightshift/"

// rule says what a package, and all below it that have no rule of their own, may
// never import. A name that begins with "nightshift/" is one of ours; one that
// ends with "/..." is all below it.
type rule struct {
	never []string
	why   string
}

// house is the table of the house. A test file may import what it likes.
var house = map[string]rule{
	"cmd/agent": {
		[]string{"nightshift/remediate/systemd", "nightshift/remediate/qemu/...", "nightshift/remediate/journal"},
		"the command line asks the agent; it acts on nothing and writes no log",
	},
	"alerts": {
		[]string{"nightshift/remediate/...", "nightshift/playbooks", "net/http"},
		"what Alertmanager said is the same whoever brings it and whatever is done about it",
	},
	"alerts/webhook": {
		[]string{"nightshift/remediate/...", "nightshift/playbooks"},
		"receiving must not know what is done about it",
	},
	"alerts/alertmanager": {
		[]string{"nightshift/remediate", "nightshift/remediate/...", "nightshift/playbooks", "os/exec"},
		"what is said to an Alertmanager is the same whatever it is said for",
	},
	"remediate": {
		[]string{
			"nightshift/remediate/...", "nightshift/playbooks", "net/http", "os", "os/exec", "time.Now",
			"github.com/coreos/go-systemd/...", "github.com/godbus/...", "github.com/digitalocean/...", "github.com/nats-io/...",
		},
		"the vocabulary and the state machine are pure: decided again from the log they come to the same",
	},
	"remediate/guard": {
		[]string{
			"nightshift/remediate/systemd", "nightshift/remediate/qemu/...", "nightshift/remediate/journal", "nightshift/remediate/probe",
			"nightshift/remediate/engine", "net/http", "os", "os/exec",
		},
		"a gate is a function of facts and the time",
	},
	"remediate/engine": {
		[]string{
			"nightshift/remediate/systemd", "nightshift/remediate/qemu/...", "nightshift/remediate/journal", "nightshift/remediate/probe",
			"nightshift/remediate/oncall", "nightshift/remediate/inventory", "nightshift/remediate/agent", "nightshift/playbooks",
			"github.com/nats-io/...", "github.com/coreos/go-systemd/...", "github.com/godbus/...", "net/http", "os/exec",
		},
		"the engine sees interfaces, so that it can be proved with a world of our making",
	},
	"remediate/rehearsal": {
		[]string{
			"nightshift/remediate/systemd", "nightshift/remediate/qemu/...", "nightshift/remediate/journal", "nightshift/remediate/probe",
			"nightshift/remediate/oncall", "nightshift/remediate/inventory", "nightshift/remediate/agent", "nightshift/playbooks",
			"net/http", "os", "os/exec", "time.Now", "sync",
		},
		"it drives the real engine, and nothing in it touches the world or runs beside anything",
	},
	"remediate/journal": {
		[]string{
			"nightshift/remediate/systemd", "nightshift/remediate/qemu/...", "nightshift/remediate/guard", "nightshift/remediate/engine",
			"nightshift/remediate/probe", "nightshift/remediate/oncall", "nightshift/remediate/inventory", "nightshift/playbooks",
		},
		"the log keeps what it is given and judges nothing",
	},
	"remediate/systemd": {
		[]string{
			"nightshift/remediate/qemu/...", "nightshift/remediate/journal", "nightshift/remediate/guard", "nightshift/remediate/engine",
			"nightshift/remediate/probe", "nightshift/remediate/oncall", "nightshift/remediate/inventory", "nightshift/playbooks",
		},
		"an actuator adapts one technology",
	},
	"remediate/qemu": {
		[]string{
			"nightshift/remediate/systemd", "nightshift/remediate/journal", "nightshift/remediate/guard", "nightshift/remediate/engine",
			"nightshift/remediate/probe", "nightshift/remediate/oncall", "nightshift/remediate/inventory", "nightshift/playbooks",
			"github.com/coreos/go-systemd/...", "github.com/godbus/...",
		},
		"an actuator adapts one technology; what runs a VM's unit it is given",
	},
	"remediate/qemu/qmp": {
		[]string{"nightshift/...", "os/exec"},
		"a wire client knows nothing of what it is used for",
	},
	"remediate/qemu/link": {
		[]string{"nightshift/...", "os/exec", "net/http"},
		"both ends of a line, which know nothing of what is done about what they hear",
	},
	"remediate/probe": {
		[]string{
			"nightshift/remediate/systemd", "nightshift/remediate/qemu/...", "nightshift/remediate/journal", "nightshift/remediate/guard",
			"nightshift/remediate/engine", "nightshift/remediate/oncall", "nightshift/remediate/inventory", "nightshift/playbooks",
		},
		"a probe looks and never acts",
	},
	"remediate/inventory": {
		[]string{
			"nightshift/remediate/systemd", "nightshift/remediate/qemu/...", "nightshift/remediate/journal", "nightshift/remediate/guard",
			"nightshift/remediate/engine", "nightshift/remediate/probe", "nightshift/remediate/oncall", "nightshift/playbooks",
		},
		"the inventory is a file that is read; what is done with it is the wiring's",
	},
	"remediate/strict": {
		[]string{"nightshift/alerts/...", "nightshift/playbooks", "nightshift/remediate/...", "os", "os/exec", "net/http"},
		"how a file is read strictly is the same whatever stands in it",
	},
	"remediate/oncall": {
		[]string{
			"nightshift/remediate/systemd", "nightshift/remediate/qemu/...", "nightshift/remediate/journal", "nightshift/remediate/guard",
			"nightshift/remediate/engine", "nightshift/remediate/probe", "nightshift/remediate/inventory", "nightshift/playbooks",
		},
		"people speak to the agent, never past it to an actuator",
	},
	"remediate/backtest": {
		[]string{
			"nightshift/remediate/systemd", "nightshift/remediate/qemu/...", "nightshift/remediate/journal", "nightshift/remediate/probe",
			"nightshift/remediate/oncall", "nightshift/remediate/inventory", "nightshift/playbooks", "os", "os/exec",
		},
		"what would have been done is decided by the engine, of what a Prometheus remembers",
	},
	"remediate/replay": {
		[]string{
			"nightshift/remediate/systemd", "nightshift/remediate/qemu/...", "nightshift/remediate/journal", "nightshift/remediate/engine",
			"nightshift/remediate/probe", "nightshift/remediate/oncall", "nightshift/remediate/inventory", "nightshift/playbooks",
			"net/http", "os", "os/exec",
		},
		"what is decided again rests on the log, and on the same state machine and gates as before",
	},
	"playbooks": {
		[]string{
			"nightshift/remediate/agent", "nightshift/remediate/engine", "nightshift/remediate/guard", "nightshift/remediate/inventory",
			"nightshift/remediate/journal", "nightshift/remediate/oncall", "nightshift/remediate/probe", "nightshift/remediate/qemu/...",
			"nightshift/remediate/systemd", "nightshift/remediate/failpoint", "os", "os/exec", "net/http", "net",
		},
		"a playbook is data",
	},
}

// onlyBy says who alone may import a package.
var onlyBy = map[string][]string{
	"nightshift/remediate/agent": {"cmd/agent", "test"},
	"nightshift/test/world":      {"test"},
}

// nowhere is what no code of the product imports.
var nowhere = map[string]string{
	"net/http/pprof": "it serves the process's insides on the default mux",
	"log":            "slog is the one log",
}

func TestThePackagesKeepTheRulesOfTheHouse(t *testing.T) {
	for path, imports := range sources(t) {
		dir := filepath.ToSlash(filepath.Dir(path))
		for _, imported := range imports {
			checkNever(t, path, dir, imported)
			checkOnlyBy(t, path, dir, imported)
			if why, ok := nowhere[imported]; ok && !strings.HasPrefix(dir, "test") {
				t.Errorf("%s imports %s: %s", path, imported, why)
			}
		}
	}
}

// checkNever holds a file to the rule of its package.
func checkNever(t *testing.T, path, dir, imported string) {
	r, ok := house[dir]
	if !ok {
		return
	}
	for _, never := range r.never {
		if covers(never, imported) {
			t.Errorf("%s imports %s: %s", path, imported, r.why)
		}
	}
}

func checkOnlyBy(t *testing.T, path, dir, imported string) {
	allowed, ok := onlyBy[imported]
	if !ok || module+dir == imported {
		return
	}
	for _, a := range allowed {
		if dir == a || strings.HasPrefix(dir, a+"/") {
			return
		}
	}
	t.Errorf("%s imports %s, which only %v may", path, imported, allowed)
}

// covers reports whether a name of a rule stands for an import.
func covers(never, imported string) bool {
	if parent, all := strings.CutSuffix(never, "/..."); all {
		return imported == parent && parent != "nightshift/remediate" || strings.HasPrefix(imported, parent+"/")
	}
	return never == imported
}

func TestTheCoreReadsNoClock(t *testing.T) {
	for _, dir := range []string{"../remediate", "../remediate/guard"} {
		for _, path := range goFiles(t, dir, false) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "time.Now()") {
				t.Errorf("%s reads a clock; the time is handed down", path)
			}
		}
	}
}

func TestEveryPackageOfTheProductHasARule(t *testing.T) {
	free := map[string]string{
		"remediate/agent":     "the wiring imports them all",
		"remediate/failpoint": "imports nothing of ours",
	}
	for path := range sources(t) {
		dir := filepath.ToSlash(filepath.Dir(path))
		if strings.HasPrefix(dir, "test") || strings.HasSuffix(dir, "test") {
			continue
		}
		if _, ok := house[dir]; !ok && free[dir] == "" {
			t.Errorf("package %s has no rule in the table of the house", dir)
		}
	}
}

// starts are the only files of the product that start a program, and why.
var starts = map[string]string{
	"remediate/systemd/journalctl.go": "journalctl, to read: the journal's library needs cgo",
	"remediate/qemu/img.go":           "qemu-img, with typed arguments: nothing else makes and checks its images",
}

func TestNoOtherProgramIsStarted(t *testing.T) {
	for path, imports := range sources(t) {
		for _, imported := range imports {
			ofTests := strings.HasPrefix(path, "test/") || strings.HasSuffix(filepath.Dir(path), "test")
			if imported == "os/exec" && starts[path] == "" && !ofTests {
				t.Errorf("%s imports os/exec: the product starts no shell and no program but those in the list", path)
			}
		}
	}
}

// sources are the imports of every Go file that is no test, by its path from the
// root of the module.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	for _, path := range goFiles(t, "..", true) {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel("..", path)
		if err != nil {
			t.Fatal(err)
		}
		imports[name] = []string{}
		for _, i := range file.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			imports[name] = append(imports[name], imported)
		}
	}
	if len(imports) < 50 {
		t.Fatalf("found only %d files: the test looks in the wrong place", len(imports))
	}
	return imports
}

// goFiles are the Go files of a folder that are no tests.
func goFiles(t *testing.T, dir string, below bool) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir && (!below || strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata"):
			return filepath.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") && !strings.HasPrefix(d.Name(), "zz_"):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
