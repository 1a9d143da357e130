// Package e2e proves the promises of the agent on real components: a real systemd
// and polkit in a world of its own, the shipped unit and user, real Alertmanagers.
package e2e

import (
	"testing"

	"nightshift/test/stage"
)

// on is the one stage of these tests, which use it one after the other.
var on *stage.Stage

func TestMain(m *testing.M) { stage.Main(m, &on, "") }
