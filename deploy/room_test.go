package deploy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// start runs a oneshot unit to its end and returns its Result.
func start(t *testing.T, unit string) string {
	t.Helper()
	if _, err := host.Exec(t.Context(), "systemctl", "start", unit); err != nil {
		said, _ := host.Exec(t.Context(), "journalctl", "--unit="+unit, "--lines=10", "--output=cat", "--no-pager")
		t.Errorf("%v\n%s", err, said)
	}
	got, err := host.Properties(t.Context(), unit, "Result")
	if err != nil {
		t.Fatal(err)
	}
	return got["Result"]
}

// shell runs a line of shell inside the world and returns what it says.
func shell(t *testing.T, line string) string {
	t.Helper()
	out, err := host.Exec(t.Context(), "sh", "-c", line)
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return strings.TrimSpace(out)
}

// archive copies a file of the journal as one that was begun at that time, which
// journald writes into the name and --vacuum-time goes by. Files of one series, the
// first part of the name, have to be in the order of their numbers, the second; each
// has a series of its own here.
func archive(t *testing.T, age time.Duration) string {
	t.Helper()
	began := time.Now().Add(-age)
	shell(t, "journalctl --rotate")
	return shell(t, fmt.Sprintf(`from=$(ls /run/log/journal/*/system@*-*.journal /var/log/journal/*/system@*-*.journal 2>/dev/null | head -1)
		to=$(echo $from | sed 's/@[0-9a-f]*-\([0-9a-f]*\)-[0-9a-f]*\.journal$/@%032x-\1-%016x.journal/')
		cp $from $to; touch -d @%d $to; echo $to`, began.UnixNano(), began.UnixMicro(), began.Unix()))
}

func TestTheJournalIsVacuumedToSevenDays(t *testing.T) {
	old, young := archive(t, 8*24*time.Hour), archive(t, 6*24*time.Hour)
	if got := start(t, "nightshift-vacuum.service"); got != "success" {
		t.Errorf("Result=%s", got)
	}
	if got, want := shell(t, fmt.Sprintf("ls %s %s 2>/dev/null || true", old, young)), young; got != want {
		t.Errorf("left are %q, want %q", got, want)
	}
}

// TestOnlyOldTemporaryFilesGo: a file counts by the newest of its times, of which
// nobody can set the change; so the ages are cut down to seconds, and the rest is as
// it is shipped.
func TestOnlyOldTemporaryFilesGo(t *testing.T) {
	shell(t, `sed -i 's/ 10d$/ 2s/; s/ 30d$/ 2s/' /usr/share/nightshift/nightshift-tmpclean.conf`)
	shell(t, `mkdir -m 0700 /tmp/of-somebody && touch /tmp/of-somebody/old /tmp/old /var/tmp/old && chown -R nobody /tmp/of-somebody /tmp/old
		sock=/tmp/open.sock; rm -f $sock; systemd-run --unit=listens systemd-socket-activate --listen=$sock /bin/cat
		mkdir -p /tmp/systemd-private-$(tr -d - </proc/sys/kernel/random/boot_id)-x.service-abc/tmp
		sleep 3; touch /tmp/young /srv/elsewhere; until test -S $sock; do sleep 0.1; done`)
	if got := start(t, "nightshift-tmpclean.service"); got != "success" {
		t.Errorf("Result=%s", got)
	}
	left := shell(t, "find /tmp /var/tmp /srv/elsewhere -mindepth 0 -print")
	for _, gone := range []string{"/tmp/of-somebody/old", "/tmp/old", "/var/tmp/old"} {
		if strings.Contains(left+"\n", gone+"\n") {
			t.Errorf("%s is still there:\n%s", gone, left)
		}
	}
	for _, stays := range []string{"/tmp/young", "/tmp/open.sock", "/tmp/.X11-unix", "-x.service-abc/tmp", "/srv/elsewhere"} {
		if !strings.Contains(left+"\n", stays+"\n") {
			t.Errorf("%s is gone:\n%s", stays, left)
		}
	}
	shell(t, "systemctl stop listens.service")
}

// TestTheStoreIsCollectedWithoutItsGenerations holds the unit's program to what it is
// called with; a stand-in says it.
func TestTheStoreIsCollectedWithoutItsGenerations(t *testing.T) {
	shell(t, "mkdir -p /nix/store")
	program := "#!/bin/sh\necho \"arguments=$* remote=$NIX_REMOTE\"; touch $HOME/cache && ! touch /nix/store/x 2>/dev/null\n"
	if err := host.WriteFile("/run/current-system/sw/bin/nix-collect-garbage", []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := start(t, "nightshift-nix-gc.service"); got != "success" {
		t.Errorf("Result=%s", got)
	}
	said, err := host.Exec(t.Context(), "journalctl", "--unit=nightshift-nix-gc.service", "--output=cat", "--no-pager")
	if err != nil || !strings.Contains(said, "arguments= remote=daemon\n") {
		t.Errorf("it was called with %q (%v)", said, err)
	}
}
