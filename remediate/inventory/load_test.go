package inventory

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/remediate"
	"nightshift/remediate/strict"
)

// coded stands for the names of the coded playbooks.
var coded = Options{
	Playbooks: []string{
		"system-down", "high-memory", "webhook-errors", "vm-down", "safe-mode", "safe-mode-off", "webhook-rotated",
		"memory-exhaustion", "certificate", "database", "high-cpu", "disk-filling", "network",
	},
	Denied: func(unit string) bool { return strings.HasPrefix(unit, "sshd.") },
}

func mustParse(t *testing.T, text string) *File {
	t.Helper()
	file, err := Parse("test.yaml", []byte(text), coded)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheBuiltinInventoryIsRAVE(t *testing.T) {
	file, err := Load("builtin:rave", coded)
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Warnings) > 0 {
		t.Errorf("warnings: %v", file.Warnings)
	}
	want := []string{
		"postgresql.service", "grafana.service", "webhook-dispatcher.service", "nginx.service", "prometheus.service",
	}
	if diff := cmp.Diff(want, file.Core().Site()); diff != "" {
		t.Error(diff)
	}
	memory := file.Probes["memory"].Memory
	if memory.Of != "rave.slice" || memory.Allocation != 2<<30 || memory.Max != 85 {
		t.Errorf("memory: %+v", *memory)
	}
	errors := file.Probes["webhook-errors"].Metric
	if *errors.Max != 10 || errors.Per != 5*time.Minute {
		t.Errorf("webhook-errors: %+v", *errors)
	}
}

func TestTheBuiltinInventoryOfTheHostHasTheVM(t *testing.T) {
	file, err := Load("builtin:rave-host", coded)
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Warnings) > 0 || len(file.Units) > 0 {
		t.Errorf("warnings %v, units %v", file.Warnings, file.Units)
	}
	if got := file.VMs["rave"].Disks; !cmp.Equal(got, map[string]Disk{"system": Rollback, "data": Keep}) {
		t.Errorf("disks: %v", got)
	}
}

func TestAFileWithEveryFieldIsRead(t *testing.T) {
	file, err := Load(filepath.Join("testdata", "good", "all.yaml"), coded)
	if err != nil {
		t.Fatal(err)
	}
	if got := file.Host.MaxActing; got != 2 {
		t.Errorf("max_acting: %d", got)
	}
	if got, want := *file.Probes["refuses"].HTTP, (HTTP{
		URL: "https://localhost:3002/webhook", Method: "POST", Body: `{"test": true}`, Expect: []int{401, 403},
		CA: "/etc/site/ca.pem", ServerName: "site.local", TokenFile: "/run/secrets/token", Header: "X-Token",
		UncountedIn: "errors", Timeout: 2 * time.Second,
	}); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	if got, want := *file.Probes["root"].Disk, (Free{Path: "/", Min: Amount{Share: 10}, MinInodes: 5, Timeout: defaultTimeout}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := file.VMs["site"], (VM{
		Unit: "site-vm.service", QMP: "/run/site/qmp.sock", Images: "/var/lib/site",
		Disks: map[string]Disk{"system": Rollback, "data": Keep}, Healthy: []string{"port"},
		BootsWithin: 90 * time.Second, PowerDownWithin: 30 * time.Second,
		Guest: "/run/site/guest.sock", WaitForGuest: 5 * time.Minute,
		Proof:       &Proof{Unit: "site-proof.service", QMP: "/run/site/proof.sock", Healthy: []string{"load"}},
		DeploysFrom: []string{"/nix/store", "/var/lib/site/incoming"}, Auto: remediate.Reset, RollbackEvery: 12 * time.Hour,
		KeepAside: KeepAside{Count: 3, Age: 7 * 24 * time.Hour}, KeepCheckpoints: 4, Autonomy: remediate.Approve, Rates: []Rate{{2, 6 * time.Hour}}, Breaker: 3,
	}); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	if got, want := file.Playbooks[1], (Playbook{
		Name: "high-memory", Autonomy: remediate.Act, Deadline: 10 * time.Minute,
		Verify:   Verify{Settle: time.Second, Window: 10 * time.Second, Within: 30 * time.Second, Every: time.Second},
		Attempts: Attempts{Max: 2, Per: time.Hour, Cooldown: time.Minute},
		Rates:    []Rate{{5, time.Hour}}, Breaker: 2, Flapping: Rate{2, 10 * time.Minute}, KeepLevel: true,
	}); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	if got, want := file.People["oncall-1"].Approves, remediate.Rollback; got != want {
		t.Errorf("approves %s", got)
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	file := mustParse(t, `
host: {name: web-1, alerts: ['instance="web-1"']}
probes:
  front: {http: "http://localhost/"}
  test:  {http: "http://localhost/", method: POST, token_file: /run/token}
  all:   {memory: host, max: 85%}
units:
  web.service:
  gc.service: {oneshot: true}
`)
	if got := file.Host.MaxActing; got != 1 {
		t.Errorf("max_acting: %d", got)
	}
	front, want := *file.Probes["front"].HTTP, HTTP{
		URL: "http://localhost/", Method: "GET", Expect: []int{200}, Timeout: 5 * time.Second,
	}
	if !cmp.Equal(front, want) {
		t.Error(cmp.Diff(want, front))
	}
	if test := file.Probes["test"].HTTP; test.Body != "{}" || test.Header != "X-Gitlab-Token" {
		t.Errorf("test: %+v", *test)
	}
	if all := file.Probes["all"].Memory; all.Of != "" || all.Allocation != 0 {
		t.Errorf("all: %+v", *all)
	}
	if risk := file.Units["gc.service"].Risk; risk != remediate.Restart {
		t.Errorf("risk of a oneshot: %s", risk)
	}
	if levels := file.Escalation.Levels; !slices.Equal(levels, []Delay{0}) {
		t.Errorf("levels: %v", levels)
	}
}

func TestTheDefaultsOfAVM(t *testing.T) {
	file := mustParse(t, `
host: {name: web-1, alerts: ['instance="web-1"']}
probes: {port: {tcp: "localhost:80"}}
vms:
  web: {unit: web-vm.service, qmp: /run/web.sock, images: /var/lib/web, disks: {system: rollback}, healthy: [port]}
  own: {unit: own-vm.service, qmp: /run/own.sock, images: /var/lib/own, disks: {system: rollback}, guest: /run/own-guest.sock}
`)
	want := VM{
		Unit: "web-vm.service", QMP: "/run/web.sock", Images: "/var/lib/web", Disks: map[string]Disk{"system": Rollback},
		Healthy: []string{"port"}, BootsWithin: 2 * time.Minute, PowerDownWithin: time.Minute, Auto: remediate.Restart,
		RollbackEvery: 6 * time.Hour, KeepAside: KeepAside{Count: 5, Age: 30 * 24 * time.Hour}, KeepCheckpoints: 20,
	}
	if diff := cmp.Diff(want, file.VMs["web"]); diff != "" {
		t.Error(diff)
	}
	if turn := file.VMs["own"].WaitForGuest; turn != 8*time.Minute {
		t.Errorf("an agent inside has its turn for %s", turn)
	}
	core := remediate.ManagedVM{
		Unit: "web-vm.service", Healthy: []string{"port"}, Boots: 2 * time.Minute, Alone: remediate.Restart, RollbackEvery: 6 * time.Hour,
	}
	if diff := cmp.Diff(core, file.Core().VMs["web"]); diff != "" {
		t.Error(diff)
	}
}

func TestCoreHoldsTheUnitsAndTheDigestOfTheText(t *testing.T) {
	text := `
host: {name: web-1, alerts: ['instance="web-1"']}
units:
  db.service: {}
  web.service: {needs: [db.service], allow: true, autonomy: approve}
`
	core := mustParse(t, text).Core()
	limits := remediate.DefaultLimits
	limits.StartupGrace = remediate.DefaultStartupGrace
	want := remediate.Inventory{
		Limits: limits,
		Host:   "web-1",
		Units: map[string]remediate.ManagedUnit{
			"db.service":  {},
			"web.service": {Needs: []string{"db.service"}, Allow: true, Autonomy: remediate.Approve},
		},
		Severities:  map[string]remediate.Severity{},
		Escalations: map[remediate.Severity]remediate.EscalationPolicy{},
		Digest:      core.Digest,
	}
	for s := remediate.Severity(1); s <= 4; s++ {
		want.Escalations[s] = remediate.DefaultEscalation(s)
	}
	if diff := cmp.Diff(want, core); diff != "" {
		t.Error(diff)
	}
	if len(core.Digest) != 64 || core.Digest == mustParse(t, text+" ").Core().Digest {
		t.Errorf("digest %q does not identify the text", core.Digest)
	}
}

func TestTheScopeIsThatOfHostAlerts(t *testing.T) {
	file := mustParse(t, `host: {name: web-1, alerts: ['instance=~"web-1(:[0-9]+)?"', 'job="ours"']}`)
	if got := len(file.Scope.Strings()); got != 2 {
		t.Errorf("%d entries", got)
	}
}

func TestWhatIsAllowedAndProbablyNotMeantIsAWarning(t *testing.T) {
	file := mustParse(t, `host: {name: web-1, alerts: ['instance="web-1"']}
units:
  sshd.service: {}
  sshd.socket: {allow: true}
probes: {port: {tcp: "localhost:80"}}
vms:
  a: {unit: a.service, qmp: /run/a.sock, images: /a, disks: {s: rollback}}
  b: {unit: b.service, qmp: /run/b.sock, images: /b, disks: {s: rollback}, healthy: [port], wait_for_guest: 5m}
`)
	var got []string
	for _, w := range file.Warnings {
		got = append(got, w.String())
	}
	want := []string{
		"test.yaml:3:3: units.sshd.service: it is on the deny list and will not be acted on; allow: true beside it overrules that",
		"test.yaml:7:3: vms.a: no probe tells whether it is healthy: that its QEMU runs is all that is asked; name some in healthy",
		"test.yaml:8:93: vms.b.wait_for_guest: nobody is waited for: guest does not say where the agent inside answers",
		"test.yaml:1:1: playbooks: none is on: nothing will ever be done",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutAnInventoryTheWayToOneIsNamed(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.yaml")
	for _, path := range []string{"", missing, filepath.Join("testdata", "bad", "empty.yaml")} {
		_, err := Load(path, coded)
		if err == nil || !strings.Contains(err.Error(), "nightshift init") || !strings.Contains(err.Error(), "NIGHTSHIFT_CONFIG=builtin:rave") {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestAFileThatCannotBeReadIsAnError(t *testing.T) {
	if _, err := Load(t.TempDir(), coded); err == nil || !strings.HasPrefix(err.Error(), "cannot read the inventory: ") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := Load("builtin:ravel", coded); err == nil || !strings.Contains(err.Error(), "builtin:rave") {
		t.Errorf("a built-in one that is none: %v", err)
	}
}

func TestATooLargeFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(path, []byte(strings.Repeat("#\n", strict.MaxText)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path, coded)
	if errs := new(Errors); !errors.As(err, errs) || !strings.Contains(err.Error(), "too large") {
		t.Error(err)
	}
}

func TestEachErrorCanBeTakenOut(t *testing.T) {
	_, err := Parse("x.yaml", []byte("host: {name: A, alerts: []}"), coded)
	var one *Error
	if !errors.As(err, &one) {
		t.Fatal(err)
	}
	if one.File != "x.yaml" || one.Line != 1 || one.Column != 14 || one.Field != "host.name" {
		t.Errorf("%+v", *one)
	}
	var all Errors
	if !errors.As(err, &all) {
		t.Fatalf("%T, want Errors", err)
	}
	if got := len(all.Unwrap()); got != 2 {
		t.Errorf("%d errors", got)
	}
}

func TestWhenPeopleHearOfEachSeverity(t *testing.T) {
	file := mustParse(t, `
host: {name: web-1, alerts: ['instance="web-1"']}
severities: {critical: 1, minor: 4}
escalation:
  levels: [0m, 15m]
  repeat: 10m
  acknowledge: {1: 20m, 4: 2d}
  hours: {4: [{weekdays: ['monday:friday'], times: [{start_time: '09:00', end_time: '17:00'}], location: Europe/Berlin}]}
`).Core()
	if diff := cmp.Diff(map[string]remediate.Severity{"critical": 1, "minor": 4}, file.Severities); diff != "" {
		t.Error(diff)
	}
	levels := []time.Duration{0, 15 * time.Minute}
	for s, want := range map[remediate.Severity]remediate.EscalationPolicy{
		1: {Levels: levels, Repeat: 10 * time.Minute, AckLasts: 20 * time.Minute},
		2: {Levels: levels, AckLasts: 30 * time.Minute},
		4: {Levels: levels, AckLasts: 48 * time.Hour, Hours: file.Escalations[4].Hours},
	} {
		if diff := cmp.Diff(want, file.Escalations[s]); diff != "" {
			t.Errorf("severity %d: %s", s, diff)
		}
	}
	for at, want := range map[string]bool{
		"2026-03-06T07:59:00Z": false, "2026-03-06T08:00:00Z": true, // a Friday, 09:00 in Berlin
		"2026-03-06T16:00:00Z": false, "2026-03-07T12:00:00Z": false, "2026-07-06T07:00:00Z": true, // in summer
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := file.Escalations[4].Hours.Have(when); got != want {
			t.Errorf("people hear of a severity 4 at %s: %t, want %t", at, got, want)
		}
	}
}
