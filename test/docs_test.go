package test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nightshift/playbooks"
	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

// page is the text of a page of the documentation.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// names fails for each word that a page does not have between backquotes.
func names(t *testing.T, name string, words []string) {
	t.Helper()
	if len(words) == 0 {
		t.Fatalf("nothing is looked for in %s", name)
	}
	text := page(t, name)
	for _, word := range words {
		if !strings.Contains(text, "`"+word) {
			t.Errorf("%s does not name `%s`", name, word)
		}
	}
}

func TestEverySettingIsDocumented(t *testing.T) {
	names(t, "docs/settings.md", agent.SettingNames())
	for _, found := range regexp.MustCompile("`(NIGHTSHIFT_[A-Z_]+)`").FindAllStringSubmatch(page(t, "docs/settings.md"), -1) {
		if !slices.Contains(agent.SettingNames(), found[1]) {
			t.Errorf("docs/settings.md names %s, which is no setting", found[1])
		}
	}
}

func TestEveryVerbQueryAndEventIsDocumented(t *testing.T) {
	names(t, "docs/nats.md", oncall.Verbs)
	names(t, "docs/nats.md", oncall.Queries)
	var kinds []string
	for _, k := range oncall.Kinds {
		kinds = append(kinds, string(k))
	}
	names(t, "docs/nats.md", kinds)
	var events []string
	for _, e := range remediate.EventTypes {
		events = append(events, "nightshift."+string(e))
	}
	names(t, "docs/nats.md", events)
}

func TestEveryMetricIsDocumented(t *testing.T) {
	families := metrics(t)
	names(t, "docs/metrics.md", families)
	for _, found := range regexp.MustCompile("`(nightshift_[a-z_]+)").FindAllStringSubmatch(page(t, "docs/metrics.md"), -1) {
		if !slices.Contains(families, found[1]) {
			t.Errorf("docs/metrics.md names %s, which the agent does not have", found[1])
		}
	}
}

func TestEveryPlaybookHasItsPaper(t *testing.T) {
	names(t, "docs/playbooks.md", playbooks.Names())
	for _, name := range playbooks.Names() {
		text := page(t, filepath.Join("playbooks", strings.ReplaceAll(name, "-", "_")+".go"))
		for _, part := range []string{"Trigger:", "Ladder:", "Verify:", "Undo:", "Metrics:"} {
			if !strings.Contains(text, "//   - "+part) {
				t.Errorf("the paper of %s lacks %s", name, part)
			}
		}
	}
}

// metrics are the names of what a running agent exposes of its own.
func metrics(t *testing.T) []string {
	t.Helper()
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/nothing")
	a, err := agent.New(agent.Settings{
		Config: "builtin:rave", Mode: remediate.WatchOnly, StateDir: t.TempDir(), Listen: "127.0.0.1:0",
		NATSListen: "127.0.0.1:0", PrometheusURL: "http://127.0.0.1:1", LogLevel: "info", LogFormat: "auto",
	}, "v0.0.0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer a.Stop(context.Background())
	r, err := http.Get("http://" + a.Addr() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var families []string
	for _, found := range regexp.MustCompile(`(?m)^# TYPE (nightshift_\w+)`).FindAllStringSubmatch(string(text), -1) {
		families = append(families, found[1])
	}
	return families
}
