package failpoint_test

import (
	"slices"
	"testing"

	"nightshift/remediate/failpoint"
)

func TestNamesAreDistinct(t *testing.T) {
	sorted := failpoint.Names()
	slices.Sort(sorted)
	if distinct := slices.Compact(slices.Clone(sorted)); len(distinct) != len(sorted) {
		t.Errorf("a failpoint is listed twice: %v", sorted)
	}
}
