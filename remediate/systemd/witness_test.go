package systemd

import (
	"testing"

	"nightshift/remediate"
)

func TestJudgingByTheWitness(t *testing.T) {
	before := remediate.Witness{invocationKey: "a", activeKey: active, bootKey: "boot"}
	up := func(invocation string) state { return state{activeState: active, invocation: invocation} }
	down := func(invocation string) state { return state{activeState: inactive, invocation: invocation} }
	for what, c := range map[string]struct {
		judge judge
		now   state
		boot  string
		want  outcome
	}{
		"a restart, new invocation":             {startedAnew, up("b"), "boot", happened},
		"a restart that failed, new invocation": {startedAnew, down("b"), "boot", happened},
		"a restart, same invocation":            {startedAnew, up("a"), "boot", didNot},
		"a restart, stopped since":              {startedAnew, down("a"), "boot", didNot},
		"a restart, forgotten unit":             {startedAnew, down(""), "boot", unclear},
		"a restart, another boot":               {startedAnew, up("c"), "other", happened},
		"a restart, down after another boot":    {startedAnew, down(""), "other", didNot},
		"a start, running":                      {isUp, up("a"), "boot", happened},
		"a start, still down":                   {isUp, down("a"), "boot", didNot},
		"a start that failed":                   {isUp, down("b"), "boot", happened},
		"a stop, running":                       {isStopped, up("a"), "boot", didNot},
		"a stop, down":                          {isStopped, down("a"), "boot", happened},
		"a stop, failed":                        {isStopped, state{activeState: failed}, "boot", happened},
		"a reload":                              {leavesNoTrace, up("a"), "boot", didNot},
	} {
		if got := c.judge(before, c.now, c.boot); got != c.want {
			t.Errorf("%s: %d, expected %d", what, got, c.want)
		}
	}
}
