package systemd

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"nightshift/remediate"
)

// hesitant makes polkit allow nobody to restart the unit, but think about it from
// when the file asked exists until the file go does.
func hesitant(t *testing.T, unit string) (asked, goOn string) {
	t.Helper()
	const dir = "/run/hesitant"
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil { // polkitd is not root
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	asked, goOn = filepath.Join(dir, "asked"), filepath.Join(dir, "go")
	allowed(t, unit, `polkit.spawn(["/bin/sh", "-c", "touch `+asked+`; until [ -e `+goOn+` ]; do sleep 0.02; done"]);`)
	return asked, goOn
}

// A restart that polkit is still thinking about when the agent dies happens later.
// Who asks too early what became of it would restart the unit a second time.
func TestARestartThatPolkitStillThinksAboutIsWaitedFor(t *testing.T) {
	u, unit := reach(t), sleeper(t, "ns-hesitant.service")
	run(t, "systemctl", "start", unit)
	asked, goOn := hesitant(t, unit)
	step, before := stepOf(remediate.VerbRestart, unit), witnessOf(t, u, remediate.VerbRestart, unit)
	agent := nobody(t, true, remediate.VerbRestart, unit)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "polkit is asked", func() bool { return exists(asked) })
	_ = agent.Process.Kill()
	_ = agent.Wait() // killed

	time.AfterFunc(500*time.Millisecond, func() { _ = os.WriteFile(goOn, nil, 0o644) })
	receipt, err := u.Actions()[remediate.VerbRestart].Happened(within(t, patience), step, before)
	if err != nil || receipt.Result != remediate.Done {
		t.Errorf("Happened = %+v, %v; the unit's InvocationID was %s and is %s", receipt, err, before[invocationKey], property(t, unit, "InvocationID"))
	}
}
