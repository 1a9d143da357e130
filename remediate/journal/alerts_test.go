package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// read reads the batches after a position until the stream has no more, as text.
func read(t *testing.T, a *agent, after uint64, n int) (batches []string, missed uint64) {
	t.Helper()
	reader, err := a.ReadAlerts(t.Context(), after)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		m, err := reader.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, fmt.Sprintf("%d %s", m.Position, m.Batch))
		missed += m.Missed
	}
	return batches, missed
}

func storeAlerts(t *testing.T, a *agent, batches ...string) {
	t.Helper()
	for _, batch := range batches {
		if _, err := a.StoreAlerts(t.Context(), []byte(batch)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAlertsAreReadInOrderFromTheCursorAlsoAfterARestart(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	storeAlerts(t, a, "one", "two", "three")
	a.stop(t)

	a = start(t, dir)
	got, missed := read(t, a, 1, 2)
	if want := "2 two, 3 three"; strings.Join(got, ", ") != want || missed != 0 {
		t.Errorf("read %v, missed %d; want %s", got, missed, want)
	}
	if unread := a.alerts.unread(); unread != 0 {
		t.Errorf("%d batches are unread, want none", unread)
	}
}

func TestAReaderIsWokenByTheNextBatch(t *testing.T) {
	a := start(t, t.TempDir())
	reader, err := a.ReadAlerts(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan AlertMessage)
	go func() {
		m, _ := reader.Next(t.Context())
		got <- m
	}()
	storeAlerts(t, a, "one")
	if m := <-got; m.Position != 1 || string(m.Batch) != "one" || m.Received != startOfTests {
		t.Errorf("read %+v, want batch one at 1, received at the agent's time", m)
	}
}

func TestABatchIsTheCallersAgainOnceItIsStored(t *testing.T) {
	a := start(t, t.TempDir())
	reader, err := a.ReadAlerts(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	buffer := []byte("one")
	if _, err := a.StoreAlerts(t.Context(), buffer); err != nil {
		t.Fatal(err)
	}
	copy(buffer, "two")
	if m, err := reader.Next(t.Context()); err != nil || string(m.Batch) != "one" {
		t.Errorf("read %q, %v; want the batch as it was stored", m.Batch, err)
	}
}

func TestReceivedIsKeptByBothClocks(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	storeAlerts(t, a, "one")
	a.stop(t)
	a = start(t, dir)
	reader, err := a.ReadAlerts(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	m, err := reader.Next(t.Context())
	if err != nil || m.Received != startOfTests {
		t.Errorf("received %+v (%v), want %+v", m.Received, err, startOfTests)
	}
}

func TestAReaderEndsWithItsContextAndWithTheJournal(t *testing.T) {
	a := start(t, t.TempDir())
	reader, err := a.ReadAlerts(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := reader.Next(t.Context())
		ended <- err
	}()
	a.stop(t)
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("the error is %v, want %v", err, ErrClosed)
	}
}

func TestTooManyUnreadAlertsAreRefused(t *testing.T) {
	a := start(t, t.TempDir())
	storeAlerts(t, a, "one")
	a.alerts.mu.Lock()
	a.alerts.last = unreadLimit
	a.alerts.mu.Unlock()
	if _, err := a.StoreAlerts(t.Context(), []byte("more")); !errors.Is(err, ErrOverloaded) {
		t.Errorf("the error is %v, want %v", err, ErrOverloaded)
	}
}

func TestABatchThatIsTooLongIsRefused(t *testing.T) {
	a := start(t, t.TempDir())
	if _, err := a.StoreAlerts(t.Context(), make([]byte, MaxPayload)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("the error is %v, want %v", err, ErrTooLarge)
	}
	if _, err := a.StoreAlerts(t.Context(), make([]byte, MaxPayload-headerRoom)); err != nil {
		t.Errorf("the longest batch: %v", err)
	}
}

// A stream that lost its end would give the next batch a position that was read.
func TestAlertsAfterALostEndAreRead(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	storeAlerts(t, a, "one", "two", "three")
	a.stop(t)
	loseAlerts(t, dir)

	a = start(t, dir)
	if _, err := a.ReadAlerts(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	wantFlaw(t, a.Damage(), AlertsLost)
	storeAlerts(t, a, "four")
	if got, _ := read(t, a, 3, 1); got[0] != "4 four" {
		t.Errorf("read %v, want 4 four", got)
	}
}

func TestUnreadAlertsThatAreLostAreDamage(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	storeAlerts(t, a, "one", "two", "three")
	a.stop(t)
	loseAlerts(t, dir)

	a = start(t, dir)
	if _, err := a.ReadAlerts(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	wantFlaw(t, a.Damage(), AlertsLost)
}

// loseAlerts empties the alerts' stream.
func loseAlerts(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(streamDir(dir, alertsStream("rave-1")), "msgs")); err != nil {
		t.Fatal(err)
	}
}

func TestAlertsThatAgedOutAreCountedAndNoDamage(t *testing.T) {
	a := start(t, t.TempDir())
	storeAlerts(t, a, "one", "two", "three")
	_, js := a.store.link()
	stream, err := js.Stream(t.Context(), alertsStream("rave-1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context(), purgeBefore(3)); err != nil {
		t.Fatal(err)
	}
	storeAlerts(t, a, "four")
	got, missed := read(t, a, 0, 2)
	if strings.Join(got, ", ") != "3 three, 4 four" || missed != 2 {
		t.Errorf("read %v, missed %d; want three and four, missed 2", got, missed)
	}
	if damage := a.Damage(); damage != nil {
		t.Error(damage)
	}
	if lost := a.alerts.lost(); lost != 2 {
		t.Errorf("%d are counted as lost, want 2", lost)
	}
}
