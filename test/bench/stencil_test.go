package main

import (
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
)

func TestAStencilPutsEachValueWhereTheOldOneStood(t *testing.T) {
	s := cut(`{"id":"OLD","subject":"INC","at":"2026","data":{"n":7,"prev":"HASH","of":"INC"}}`, map[string]hole{
		"OLD": idHole, "INC": incidentHole, "2026": timeHole, `"n":7,`: placeHole, "HASH": prevHole,
	})
	got := string(s.fill(filling{
		n: 8, incident: "NEW", prev: "NEXT", id: ulid.Zero, at: time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC),
	}))
	want := `{"id":"00000000000000000000000000","subject":"NEW","at":"2026-03-01T12:00:00.000000005Z","data":{"n":8,"prev":"NEXT","of":"NEW"}}`
	if got != want {
		t.Errorf("filled:\n%s\nwant:\n%s", got, want)
	}
}
