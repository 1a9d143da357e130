package journal

import (
	"slices"
	"testing"

	"nightshift/remediate"
)

// Whatever nobody thought of is synced.
func TestTheHeadIsSyncedWithWhatAnythingOutsideRestsOn(t *testing.T) {
	late := []remediate.EventType{
		remediate.IncidentOpened, remediate.IncidentJoined, remediate.IncidentPlanned, remediate.IncidentJudged,
		remediate.IncidentWaiting, remediate.EvidenceGathered, remediate.VerifyStarted, remediate.IncidentProbed,
		remediate.VerifyFinished, remediate.AlertsRead,
	}
	for _, what := range append([]remediate.EventType{SnapshotTaken, JournalAccepted, "host.unheard_of"}, remediate.EventTypes...) {
		if got, want := firm(remediate.Event{Type: what}), !slices.Contains(late, what); got != want {
			t.Errorf("with %s: synced %v, want %v", what, got, want)
		}
	}
	asked := remediate.Event{Type: remediate.IncidentOpened, Opened: &remediate.Opened{Asked: &remediate.Asked{}}}
	if !firm(asked) {
		t.Error("what a person asked for is not synced")
	}
}

func TestTheHeadIsWrittenWithEachEventAndSyncedBeforeAnEffect(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	for _, c := range []struct {
		what remediate.EventType
		late bool
	}{
		{remediate.IncidentJudged, true},
		{remediate.StepStarted, false},
		{remediate.IncidentProbed, true},
		{remediate.IncidentProbed, true},
		{remediate.IncidentEnded, false},
	} {
		if _, err := a.Append(t.Context(), remediate.Event{Type: c.what, Incident: "INC00001", At: a.now}); err != nil {
			t.Fatal(err)
		}
		if a.head.late != c.late {
			t.Errorf("after %s the head is written and not synced: %v, want %v", c.what, a.head.late, c.late)
		}
		if head, _, err := readHead(dir); head != a.Head() || err != nil {
			t.Errorf("after %s the head is %v, %v, want %v", c.what, head, err, a.Head())
		}
	}
}

// A power cut can leave the head of an earlier event: the log ahead of it is
// whole, and nothing is wrong.
func TestAHeadThatAPowerCutLeftBehindIsNoDamage(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 1)
	synced := a.Head()
	for range 3 {
		if _, err := a.Append(t.Context(), remediate.Event{Type: remediate.IncidentProbed, Incident: "INC00000", At: a.now}); err != nil {
			t.Fatal(err)
		}
		a.fold.Events["INC00000"]++
	}
	end := a.Head()
	a.stop(t)
	head, err := openHead(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := head.write(synced); err != nil {
		t.Fatal(err)
	}
	if err := head.close(); err != nil {
		t.Fatal(err)
	}
	b := start(t, dir)
	if b.Damage() != nil || b.Head() != end || b.fold.Events["INC00000"] != 4 {
		t.Errorf("the log ends with %v and folds to %v with damage %v, want %v and 4 events", b.Head(), b.fold, b.Damage(), end)
	}
}
