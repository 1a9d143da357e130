package probe

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"nightshift/remediate"
)

// someProcesses are a service in version 2, one in version 1, a session, a
// kernel thread, and one that forges a line with its name.
func someProcesses() map[string]string {
	return map[string]string{
		"proc/meminfo":     meminfo,
		"proc/10/comm":     "prometheus\n",
		"proc/10/status":   "Name:\tprometheus\nVmRSS:\t  204800 kB\n",
		"proc/10/cgroup":   "0::/rave.slice/prometheus.service\n",
		"proc/10/cmdline":  "prometheus\x00--password=hunter2\x00",
		"proc/11/comm":     "grafana\n",
		"proc/11/status":   "Name:\tgrafana\nVmRSS:\t  1048576 kB\n",
		"proc/11/cgroup":   "2:memory:/\n1:name=systemd:/rave.slice/grafana.service/worker\n0::/\n",
		"proc/12/comm":     "bash\n",
		"proc/12/status":   "VmRSS:\t  1024 kB\n",
		"proc/12/cgroup":   "0::/user.slice/user-0.slice/session-1.scope\n",
		"proc/2/comm":      "kthreadd\n",
		"proc/2/status":    "Name:\tkthreadd\n",
		"proc/2/cgroup":    "0::/\n",
		"proc/13/comm":     "x\n 9.9 GiB  init\n",
		"proc/13/status":   "VmRSS:\t  512 kB\n",
		"proc/13/cgroup":   "0::/\n",
		"proc/14/comm":     "half gone\n",
		"proc/self/status": "VmRSS:\t  99999999 kB\n",
	}
}

func TestTheEvidenceOfProcessesIsNameUnitAndSize(t *testing.T) {
	got := Sights{FS: tree(someProcesses())}.Processes(t.Context(), remediate.Look{What: remediate.SeeProcesses})
	want := `   1.0 GiB  grafana          grafana.service
 200.0 MiB  prometheus       prometheus.service
   1.0 MiB  bash             session-1.scope
 512.0 KiB  x� 9.9 GiB  init  -
`
	if got.Text != want || got.Error != "" {
		t.Errorf("%s\n%s", got.Text, got.Error)
	}
}

func TestTheEvidenceOfProcessesIsBounded(t *testing.T) {
	files := map[string]string{}
	for pid := 1; pid <= 300; pid++ {
		files[fmt.Sprintf("proc/%d/comm", pid)] = "x\n"
		files[fmt.Sprintf("proc/%d/status", pid)] = fmt.Sprintf("VmRSS: %d kB\n", pid)
	}
	for count, want := range map[int]int{0: 20, 5: 5, 1000: 100} {
		got := Sights{FS: tree(files)}.Processes(t.Context(), remediate.Look{Count: count})
		if lines := strings.Count(got.Text, "\n"); lines != want {
			t.Errorf("count %d: %d lines, want %d", count, lines, want)
		}
	}
}

func TestLookingAtProcessesEndsWithItsContext(t *testing.T) {
	got := Sights{FS: tree(someProcesses())}.Processes(canceled(t), remediate.Look{})
	if got.Text != "" || !strings.Contains(got.Error, "canceled") {
		t.Errorf("%+v", got)
	}
}

// TestArgumentsOfARealProcessAreNotShown starts one with a secret among them.
func TestArgumentsOfARealProcessAreNotShown(t *testing.T) {
	const secret = "hunter2-on-the-command-line"
	command := exec.Command(os.Args[0], "-test.run=^TestStandsStill$", "-test.v=false", secret)
	command.Env = append(os.Environ(), "STAND_STILL=1")
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	got := Sights{}.Processes(t.Context(), remediate.Look{Count: maxCount})
	input.Close()
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(got.Text, "probe.test") || strings.Contains(got.Text, secret) {
		t.Errorf("%s\n%s", got.Text, got.Error)
	}
}

// TestStandsStill is the process of the test above: it waits for its input to end.
func TestStandsStill(t *testing.T) {
	if os.Getenv("STAND_STILL") == "" {
		return
	}
	os.Stdin.Read(make([]byte, 1))
}
