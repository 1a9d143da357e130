package inventory

import (
	"regexp"
	"strings"
	"testing"
)

func TestPolkitGrantsTheUnitsOfTheInventoryAndNothingElse(t *testing.T) {
	file := mustParse(t, `
host: {name: web-1, alerts: ['instance="web-1"']}
units:
  nginx.service: {}
  'dev-disk-by\x2duuid.swap': {}
  nix-gc.service: {oneshot: true}
`)
	golden(t, "testdata/polkit.rules", string(file.Polkit("nightshift")))
}

func TestPolkitEscapesTheUser(t *testing.T) {
	file := mustParse(t, `host: {name: web-1, alerts: ['instance="web-1"']}`)
	rule := string(file.Polkit("x\" || true || \"</script>\u2028"))
	if want := `subject.user !== "x\" || true || \"\u003c/script\u003e\u2028" ||`; !strings.Contains(rule, want) {
		t.Errorf("%s\nis without %s", rule, want)
	}
}

// TestPolkitIsECMAScript5 keeps out what duktape, which runs the rules on Debian,
// does not know.
func TestPolkitIsECMAScript5(t *testing.T) {
	file, err := Load("builtin:rave", coded)
	if err != nil {
		t.Fatal(err)
	}
	for _, newer := range []string{`\bconst\b`, `\blet\b`, "=>", "`", `\bincludes\b`, `\bstartsWith\b`} {
		if found := regexp.MustCompile(newer).FindString(string(file.Polkit("nightshift"))); found != "" {
			t.Errorf("%q is no ECMAScript 5", found)
		}
	}
}
