//go:build !failpoints

package failpoint_test

import (
	"testing"

	"nightshift/remediate/failpoint"
)

func TestAnOrdinaryBuildHasNoFailpoints(t *testing.T) {
	t.Setenv("NIGHTSHIFT_FAILPOINT", "step.effect.after")
	failpoint.Here("step.effect.after")
	if failpoint.Enabled {
		t.Error("an ordinary build says that it can be killed")
	}
}
