package agent

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightshift/alerts"
	"nightshift/playbooks"
	"nightshift/remediate"
)

// flush is a playbook of one's own.
var flush = remediate.Playbook{
	Name:   "flush",
	Match:  alerts.Matching(`alertname="Full"`),
	Target: remediate.TargetRule{Unit: "queue.service"},
	Ladder: []remediate.Rung{{Name: "restart the queue", Do: []remediate.Move{{Do: remediate.VerbRestart, On: remediate.Selector{What: remediate.TheTarget}}}}},
	Verify: remediate.Verify{Healthy: []string{"target"}},
}

// site writes an inventory with these entries of `playbooks`, and files beside it.
func site(t *testing.T, entries string, files map[string]string) Settings {
	t.Helper()
	s := settings(t)
	dir := t.TempDir()
	s.Config = filepath.Join(dir, "site.yaml")
	write(t, s.Config, "host: {name: web-1, alerts: ['job=\"a\"']}\nunits: {queue.service: {}}\nplaybooks: "+entries+"\n")
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	return s
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// flushAs is flush under another name, as YAML.
func flushAs(name string) string {
	p := flush
	p.Name = name
	return string(playbooks.Write(p))
}

func TestPlaybooksOfFilesAreOnInTheOrderOfTheirNamesAsFarAsTheirEntryLetsThem(t *testing.T) {
	s := site(t, "[{files: more/*.yaml, autonomy: approve}]", map[string]string{"more/b.yaml": flushAs("second"), "more/a.yaml": flushAs("first")})
	_, config, _, err := read(s, inForce{})
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Playbooks; len(got) != 2 || got[0].Name != "first" || got[1].Name != "second" || got[0].Autonomy != remediate.Approve {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsWrongWithPlaybooksOfFilesIsSaidWithItsPlace(t *testing.T) {
	s := site(t, "[{files: 'more/*.yaml'}]", map[string]string{
		"more/a.yaml": flushAs("first"), "more/b.yaml": flushAs("first"), "more/c.yaml": flushAs("vm-down"), "more/d.yaml": "name: X\n",
		"more/e.yaml": strings.ReplaceAll(flushAs("lacks"), "queue.service", "queu.service"),
	})
	_, _, _, err := read(s, inForce{})
	if err == nil {
		t.Fatal("it was accepted")
	}
	for _, want := range []string{
		`b.yaml:2:7: name: there is a playbook "first" already`, `c.yaml:2:7: name: there is a playbook "vm-down" already`,
		`d.yaml:1:7: name: "X" is no name of a playbook`, `e.yaml:4:16: target.unit: the inventory has no unit "queu.service"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it lacks %s:\n%v", want, err)
		}
	}
}

func TestAPlaybookThatOthersCanWriteToIsNotTrusted(t *testing.T) {
	s := site(t, "[{files: a.yaml}]", map[string]string{"a.yaml": flushAs("first")})
	path := filepath.Join(filepath.Dir(s.Config), "a.yaml")
	refused := func(why string) {
		t.Helper()
		if _, _, _, err := read(s, inForce{}); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want it to say %s", err, why)
		}
	}
	if err := os.Chmod(path, 0o664); err != nil {
		t.Fatal(err)
	}
	refused("others than its owner can write to it")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 65534, 65534); err != nil { // nobody
		t.Fatal(err)
	}
	refused("belongs to neither root nor who owns the inventory")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refused("expected it to find 1 to 200 files, found 0")
}

func TestAWrongPlaybookLeavesTheOldSetInForce(t *testing.T) {
	s := site(t, "[{files: a.yaml}]", map[string]string{"a.yaml": flushAs("first")})
	a := start(t, s)
	path := filepath.Join(filepath.Dir(s.Config), "a.yaml")
	successful := func(want string) {
		t.Helper()
		if text := get(t, a, "/metrics"); !strings.Contains(text, "\nnightshift_config_last_reload_successful "+want+"\n") {
			t.Errorf("nightshift_config_last_reload_successful is not %s", want)
		}
	}
	inForce := func(want string) {
		t.Helper()
		records, err := people{a}.Playbooks(t.Context())
		if err != nil || len(records) != 1 || records[0].Name != want {
			t.Errorf("%+v %v, want %s", records, err, want)
		}
	}
	successful("1")
	write(t, path, "name: [")
	if _, err := (people{a}).Reload("anna"); err == nil || !strings.Contains(err.Error(), "a.yaml:1:") {
		t.Errorf("%v", err)
	}
	successful("0")
	inForce("first")
	write(t, path, flushAs("other"))
	if said, err := (people{a}).Reload("anna"); err != nil || !strings.Contains(said, "reloaded") {
		t.Errorf("%s %v", said, err)
	}
	successful("1")
	inForce("other")
}

func TestACodedPlaybookOfOnesOwnIsOnByItsName(t *testing.T) {
	s := site(t, "[{name: flush}]", nil)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	if _, err := New(s, "v0.0.0", log); err == nil || !strings.Contains(err.Error(), `"flush" is no coded playbook`) {
		t.Errorf("%v", err)
	}
	a, err := New(s, "v0.0.0", log, Coded(flush))
	if err != nil {
		t.Fatal(err)
	}
	stop(t, a)
	wrong := flush
	wrong.Ladder = nil
	if _, err := New(s, "v0.0.0", log, Coded(wrong)); err == nil || !strings.Contains(err.Error(), "ladder") {
		t.Errorf("%v", err)
	}
	taken := flush
	taken.Name = "high-memory"
	if _, err := New(s, "v0.0.0", log, Coded(taken)); err == nil || !strings.Contains(err.Error(), "there is one of this name already") {
		t.Errorf("%v", err)
	}
}

// get is what the agent serves at a path.
func get(t *testing.T, a *Agent, path string) string {
	t.Helper()
	r, err := http.Get("http://" + a.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
