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
profiles: {safe: {nginx.service: {cpu: 50%}}}
`)
	golden(t, "testdata/polkit.rules", string(file.Polkit("nightshift")))
}

func TestPolkitGrantsVMsTheirUnitsAndTheirCheckpoints(t *testing.T) {
	file := mustParse(t, `
host: {name: web-1, alerts: ['instance="web-1"']}
probes: {port: {tcp: "localhost:80"}, copy: {tcp: "localhost:81"}}
vms:
  web: {unit: web-vm.service, qmp: /run/web.sock, images: /var/lib/web, disks: {system: rollback}, healthy: [port],
        proof: {unit: web-proof.service, qmp: /run/proof.sock, healthy: [copy]}}
  db-2: {unit: db-vm.service, qmp: /run/db.sock, images: /var/lib/db, disks: {system: rollback}, healthy: [port]}
`)
	golden(t, "testdata/polkit-vms.rules", string(file.Polkit("nightshift")))
}

// TestPolkitChecksTheNameOfACheckpoint holds the rule's own expression to names
// that must and must not pass. Go's expressions read it as ECMAScript's do.
func TestPolkitChecksTheNameOfACheckpoint(t *testing.T) {
	file, err := Load("builtin:rave-host", coded)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`/(\^nightshift-promote@.*)/\.test`).FindSubmatch(file.Polkit("nightshift"))
	if found == nil {
		t.Fatal("no expression")
	}
	allowed := regexp.MustCompile(string(found[1]))
	for unit, want := range map[string]bool{
		PromoteUnit("rave", "before-update_2.1"): true, PromoteUnit("rave", "a"): true,
		PromoteUnit("other", "a"): false, PromoteUnit("rave", ""): false, PromoteUnit("rave", "-a"): false, PromoteUnit("rave", "A"): false,
		PromoteUnit("rave", "../x"): false, PromoteUnit("rave", "a.service\nb"): false, PromoteUnit("rave", "a;b"): false,
		PromoteUnit("rave", strings.Repeat("a", 64)): false, "nightshift-promote@rave:a.service\n": false,
		"x-nightshift-promote@rave:a.service": false, "nightshift-promote@raveX:a.service": false,
	} {
		if got := allowed.MatchString(unit); got != want {
			t.Errorf("%q: %t", unit, got)
		}
	}
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
	file, err := Load("builtin:rave-host", coded)
	if err != nil {
		t.Fatal(err)
	}
	for _, newer := range []string{`\bconst\b`, `\blet\b`, "=>", "`", `\bincludes\b`, `\bstartsWith\b`} {
		if found := regexp.MustCompile(newer).FindString(string(file.Polkit("nightshift"))); found != "" {
			t.Errorf("%q is no ECMAScript 5", found)
		}
	}
}
