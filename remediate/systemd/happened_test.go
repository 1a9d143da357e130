package systemd

import (
	"errors"
	"maps"
	"testing"

	"nightshift/remediate"
)

// After a crash of the agent nobody knows whether a step happened. Each case is
// one world that the agent may find, made without the agent.
func TestWhatHappenedWhileTheAgentWasDead(t *testing.T) {
	u := reach(t)
	unit := sleeper(t, "ns-crash.service", "[Unit]", "StartLimitIntervalSec=0")
	once := install(t, "ns-crash-once.service", "[Service]", "Type=oneshot", "ExecStart=/bin/true")
	fails := install(t, "ns-crash-fails.service", "[Service]", "Type=oneshot", "ExecStart=/bin/sh -c 'exit 4'")
	broken := install(t, "ns-crash-broken.service", "[Unit]", "StartLimitIntervalSec=0", "[Service]", "ExecStart=/bin/false")
	systemctl := func(args ...string) func() { return func() { run(t, "systemctl", args...) } }
	nothing := func() {}
	for what, c := range map[string]struct {
		verb      remediate.Verb
		unit      string
		meanwhile func()
		want      remediate.Result
		err       error
	}{
		"restarted":              {remediate.VerbRestart, unit, systemctl("restart", unit), remediate.Done, nil},
		"not restarted":          {remediate.VerbRestart, unit, nothing, "", remediate.ErrNotDone},
		"running":                {remediate.VerbStart, unit, nothing, remediate.Done, nil},
		"stopped":                {remediate.VerbStop, unit, systemctl("stop", unit), remediate.Done, nil},
		"not stopped":            {remediate.VerbStop, unit, nothing, "", remediate.ErrNotDone},
		"forgotten after a stop": {remediate.VerbRestart, unit, systemctl("stop", unit), "", remediate.ErrInDoubt},
		"reloaded, or not":       {remediate.VerbReload, unit, nothing, "", remediate.ErrNotDone},
		"oneshot ran":            {remediate.VerbOneshot, once, systemctl("start", once), remediate.Done, nil},
		"oneshot did not run":    {remediate.VerbOneshot, once, nothing, "", remediate.ErrInDoubt},
		"oneshot runs and fails": {remediate.VerbOneshot, fails, systemctl("start", "--no-block", fails), remediate.Failed, nil},
		"still failed":           {remediate.VerbResetFailed, broken, nothing, "", remediate.ErrNotDone},
		"cleared":                {remediate.VerbResetFailed, broken, systemctl("reset-failed", broken), remediate.Done, nil},
	} {
		t.Run(what, func(t *testing.T) {
			run(t, "systemctl", "start", unit, broken)
			is(t, broken, "ActiveState", failed)
			action, step, before := u.Actions()[c.verb], stepOf(c.verb, c.unit), witnessOf(t, u, c.verb, c.unit)
			c.meanwhile()
			journalled(t)
			receipt, err := action.Happened(within(t, patience), step, before)
			if receipt.Result != c.want || !errors.Is(err, c.err) {
				t.Errorf("Happened = %+v, %v; expected %q, %v", receipt, err, c.want, c.err)
			}
		})
	}
}

func TestABootStartsAnewWhatRunsInIt(t *testing.T) {
	u, unit := reach(t), sleeper(t, "ns-boot.service")
	run(t, "systemctl", "start", unit)
	before := maps.Clone(witnessOf(t, u, remediate.VerbRestart, unit))
	before[bootKey] = "0123456789abcdef0123456789abcdef"
	receipt, err := u.Actions()[remediate.VerbRestart].Happened(within(t, patience), stepOf(remediate.VerbRestart, unit), before)
	if err != nil || receipt.Result != remediate.Done {
		t.Errorf("Happened = %+v, %v", receipt, err)
	}
}
