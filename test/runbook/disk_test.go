package runbook

import (
	"context"
	"os"
	"testing"

	"nightshift/test/world"
)

func TestADiskThatIsFullIsRelievedOfWhatIsOldAndOfNothingElse(t *testing.T) {
	c := begin(t, on.FillDisk, func(context.Context) error { return on.CleanDisk() })
	story := c.fixed("disk-filling", "vacuum the journal", "remove old temporary files")
	c.anew()
	if size, free, err := on.Disk(); err != nil || free < size*9/10 {
		t.Errorf("%d of %d bytes are free (%v), want nine tenths", free, size, err)
	}
	if text, err := os.ReadFile(on.Path(world.YoungFile)); err != nil || len(text) == 0 {
		t.Errorf("a file of today holds %q (%v), want it left alone", text, err)
	}
	for _, r := range receipts(story) {
		t.Logf("%s: %s %v", r.Result, r.Detail, r.Facts)
	}
}
