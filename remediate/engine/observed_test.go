package engine_test

import (
	"testing"
	"time"

	. "nightshift/remediate"
	"nightshift/remediate/engine/enginetest"
)

// What was only observed, and people then did themselves, counts for the playbook: once,
// and only where it was people.
func TestPeopleCarryOutWhatWasOnlyObserved(t *testing.T) {
	begin := func(r *rig) {
		r.config.Playbooks[1].Autonomy = WatchOnly
		r.Configure(r.config)
		r.crashes("db.service")
		r.after(20 * time.Second)
		if i := r.last(); i.State != Observed {
			t.Fatalf("it is %s", i.State)
		}
	}
	byPeople := func(r *rig) int {
		records, err := r.Playbooks(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records {
			if record.Name == "crash" {
				return record.ByPeople
			}
		}
		return -1
	}
	for name, c := range map[string]struct {
		does func(*enginetest.Unit)
		want int
	}{
		"a person restarts it":       {func(u *enginetest.Unit) { u.Starts++ }, 1},
		"nobody does anything":       {func(*enginetest.Unit) {}, 0},
		"its own keeper restarts it": {func(u *enginetest.Unit) { u.Starts++; u.Kept++ }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				begin(r)
				r.world.Change("db.service", c.does)
				r.after(time.Minute)
				if got := byPeople(r); got != c.want {
					t.Errorf("people carried out %d, want %d", got, c.want)
				}
				r.did()
				ledger, err := r.log.Ledger()
				if err != nil {
					t.Fatal(err)
				}
				if got := ledger.Records["crash"].ByPeople; got != c.want {
					t.Errorf("by the log it is %d, want %d", got, c.want)
				}
			})
		})
	}
}
