// Package faults proves what the agent promises about crashes: killed wherever it
// hurts, with a full disk, or beside another agent it loses no alert that it
// accepted, repeats no act, and leaves no incident without an end.
package faults

import (
	"testing"

	"nightshift/test/stage"
)

// on is the one stage of these tests; its agent is built with failpoints.
var on *stage.Stage

func TestMain(m *testing.M) { stage.Main(m, &on, "failpoints") }
