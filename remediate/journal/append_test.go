package journal

import (
	"testing"
)

func TestEventsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 25)
	head, want := a.Head(), a.fold
	a.stop(t)

	b := start(t, dir)
	if b.Head() != head || head.N != 25 {
		t.Errorf("the head is %v, want %v with 25 events", b.Head(), head)
	}
	if len(b.fold.Events) != len(want.Events) || b.fold.Events["INC00001"] != 10 {
		t.Errorf("the fold is %v, want %v", b.fold, want)
	}
	if damage := b.Damage(); damage != nil {
		t.Error(damage)
	}
	b.add(t, 1)
	if n := b.Head().N; n != 26 {
		t.Errorf("the next event is %d, want 26", n)
	}
}
