package oncall

import (
	"strings"
	"testing"
	"time"

	"nightshift/remediate"
)

// TestWhoAcknowledgedAndDidNotGetOn: the first page goes with the handing over; one
// after an acknowledgement that led nowhere is told, whatever its level.
func TestWhoAcknowledgedAndDidNotGetOn(t *testing.T) {
	now := remediate.Instant{Wall: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	i := remediate.Incident{ID: "AAAA1111", State: remediate.Escalated, Severity: 2}
	page := func(level int) (Notification, bool) {
		e := remediate.Event{Type: remediate.IncidentPaged, Incident: i.ID, At: now, Paged: &remediate.Paged{Level: level}}
		if err := i.Apply(e); err != nil {
			t.Fatal(err)
		}
		return NotificationOf(e, &i)
	}
	if n, told := page(0); told {
		t.Errorf("the first page is told beside the handing over: %q", n.Text)
	}
	if n, told := page(1); !told || !strings.Contains(n.Text, "level 1") {
		t.Errorf("%t %q", told, n.Text)
	}
	i.Acknowledged = &remediate.Acknowledged{By: "ann", At: now, Until: now.Add(time.Minute)}
	now = now.Add(2 * time.Minute)
	if n, told := page(0); !told || n.Kind != NotifyEscalated || !strings.Contains(n.Text, "escalates again") {
		t.Errorf("%t %s %q", told, n.Kind, n.Text)
	}
}
