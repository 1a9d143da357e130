package world

import (
	"context"
	"os/exec"
	"strings"
	"testing"
)

func TestEverythingRuns(t *testing.T) {
	out, err := site.Exec(t.Context(), "systemctl", "is-system-running")
	if err != nil || out != "running\n" {
		t.Fatalf("is-system-running says %q (%v)\n%s", out, err, site.failures(t.Context()))
	}
}

func TestTheRunbooksServicesAreInTheSlice(t *testing.T) {
	for _, unit := range []string{"nginx", "postgresql", "grafana", "prometheus", "webhook-dispatcher"} {
		state, err := site.Properties(t.Context(), unit+".service", "ActiveState", "SubState", "Slice")
		if err != nil {
			t.Fatal(err)
		}
		if state["ActiveState"] != "active" || state["SubState"] != "running" || state["Slice"] != "rave.slice" {
			t.Errorf("%s: %v, want an active one, running, in rave.slice", unit, state)
		}
	}
}

func TestTheRunbooksHealthCheckPasses(t *testing.T) {
	client := site.HTTPClient()
	for url, want := range Endpoints {
		if got, err := status(t.Context(), client, url); err != nil || got != want {
			t.Errorf("GET %s answers %d (%v), want %d", url, got, err, want)
		}
	}
}

func TestTheDispatcherKnowsItsCaller(t *testing.T) {
	secret, err := site.ExecAs(t.Context(), "webhook-dispatcher", "cat", "/run/secrets/webhook-gitlab-secret")
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]string{"": "401", "wrong": "401", strings.TrimSpace(secret): "200"} {
		got, err := site.Exec(t.Context(), "curl", "--silent", "--show-error", "--cacert", "/etc/rave/ca.pem",
			"--output", "/dev/null", "--write-out", "%{http_code}", "--data", "{}",
			"--header", "X-Gitlab-Token: "+token, "https://rave.local:3002/webhook")
		if err != nil || got != want {
			t.Errorf("a webhook with a token of %d characters is answered %s (%v), want %s", len(token), got, err, want)
		}
	}
}

func TestSecretsAreReadByTheirOwnersOnly(t *testing.T) {
	for path, owner := range map[string]string{
		"/run/secrets/webhook-gitlab-secret": "webhook-dispatcher",
		"/etc/gitlab/webhook.token":          "gitlab",
		"/etc/prometheus/nightshift.token":   "prometheus",
	} {
		if _, err := site.ExecAs(t.Context(), owner, "cat", path); err != nil {
			t.Errorf("%s cannot read %s: %v", owner, path, err)
		}
		if _, err := site.ExecAs(t.Context(), "nobody", "cat", path); err == nil {
			t.Errorf("nobody can read %s", path)
		}
	}
}

func TestMemoryIsTheSlices(t *testing.T) {
	total, available, err := site.Memory()
	if err != nil || total != 2<<30 {
		t.Fatalf("the site has %d bytes (%v), want 2 GiB", total, err)
	}
	if used := total - available; used < 50<<20 || used > 1<<30 {
		t.Errorf("an idle site uses %d MiB, want more than 50 and less than 1024", used>>20)
	}
}

func TestMemoryLimitsAreEnforced(t *testing.T) {
	const eater = "tail /dev/zero" // keeps its last line, which never ends
	_, err := site.Exec(t.Context(), "systemd-run", "--wait", "--quiet", "--unit=eater",
		"--property=MemoryMax=32M", "--property=MemorySwapMax=0", "tail", "/dev/zero")
	if err == nil {
		t.Fatalf("%s lived with MemoryMax=32M", eater)
	}
	state, err := site.Properties(t.Context(), "eater.service", "Result", "ExecMainStatus")
	if err != nil || state["ExecMainStatus"] != "9" {
		t.Errorf("eater ended with %v (%v), want a kill by the kernel", state, err)
	}
	if _, err := site.Exec(t.Context(), "systemctl", "reset-failed", "eater.service"); err != nil {
		t.Error(err)
	}
}

func TestCPULimitsReachTheKernel(t *testing.T) {
	out, err := site.Exec(t.Context(), "systemd-run", "--wait", "--pipe", "--quiet", "--property=CPUQuota=25%",
		"sh", "-c", "cat /sys/fs/cgroup/cpu$(sed -n 's/.*:cpu:\\|.*:cpu,cpuacct://p' /proc/self/cgroup)/cpu.cfs_quota_us || cat /sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/cpu.max")
	if err != nil || !strings.HasPrefix(out, "25000") {
		t.Errorf("a quarter of a CPU is %q (%v), want 25000 of 100000 microseconds", out, err)
	}
}

func TestProgramsRunAsTheirUser(t *testing.T) {
	out, err := site.ExecAs(t.Context(), "grafana", "id", "--user", "--name")
	if err != nil || out != "grafana\n" {
		t.Errorf("ExecAs(grafana) ran as %q (%v)", out, err)
	}
	if _, err := site.ExecAs(t.Context(), "stranger", "true"); err == nil || !strings.Contains(err.Error(), "stranger") {
		t.Errorf("ExecAs(stranger): %v, want an error that names the user", err)
	}
}

// TestWhatAPersonTypesReachesTheProgram enters from a terminal of its own: script(1)
// is in each Debian.
func TestWhatAPersonTypesReachesTheProgram(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var quoted []string
	for _, arg := range site.Command(ctx, "root", "sh", "-c", "read line && echo it reads $line").Args {
		quoted = append(quoted, "'"+arg+"'")
	}
	terminal := exec.CommandContext(ctx, "script", "--quiet", "--return", "--command", strings.Join(quoted, " "), "/dev/null")
	terminal.Stdin = strings.NewReader("hello\n")
	if out, err := terminal.CombinedOutput(); err != nil || !strings.Contains(string(out), "it reads hello") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAFailedProgramTellsItsStandardError(t *testing.T) {
	_, err := site.Exec(t.Context(), "cat", "/no/such/file")
	if err == nil || !strings.Contains(err.Error(), "No such file") {
		t.Errorf("got %v, want cat's own words", err)
	}
}

func TestAProgramEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cmd := site.Command(ctx, "root", "sleep", "infinity")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := cmd.Wait(); err == nil {
		t.Error("sleep ended well, want it killed")
	}
}

func TestForwardReachesTheSiteFromTheHost(t *testing.T) {
	local, err := site.Forward("localhost:9090")
	if err != nil {
		t.Fatal(err)
	}
	client := site.HTTPClient()
	client.Transport = nil // the host's own network
	if got, err := status(t.Context(), client, "http://"+local+"/-/healthy"); err != nil || got != 200 {
		t.Errorf("Prometheus answers the host %d (%v), want 200", got, err)
	}
}
